import assert from "node:assert/strict";
import fc from "fast-check";
import { normal } from "../engines/testing.ts";
import { float32 } from "../tensor/host_tensor.ts";
import {
  dequantizeBlocks,
  LEVELS,
  NF4,
  quantizeBlocks,
  roundToBlocks,
  storedBits,
  toFloat8,
  WIDTHS,
} from "./normal_float.ts";

/** P(X < x) of N(0, 1), by Simpson's rule. */
function below(x: number): number {
  const steps = 2000, h = x / steps;
  const density = (t: number) => Math.exp(-t * t / 2) / Math.sqrt(2 * Math.PI);
  let sum = density(0) + density(x);
  for (let i = 1; i < steps; i++) sum += density(i * h) * (i % 2 ? 4 : 2);
  return 0.5 + sum * h / 3;
}

function quantile(p: number): number {
  let low = -6, high = 6;
  for (let i = 0; i < 60; i++) (below((low + high) / 2) < p) ? low = (low + high) / 2 : high = (low + high) / 2;
  return low;
}

Deno.test("LEVELS are quantiles of the normal distribution, evenly spaced in probability on either side of 0", () => {
  for (const bits of WIDTHS) {
    const half = 2 ** (bits - 1), offset = (1 / (4 * half) + 1 / (4 * half - 2)) / 2, largest = quantile(1 - offset);
    const negative = Array.from({ length: half - 1 }, (_, i) => offset + (0.5 - offset) * i / (half - 1));
    const positive = Array.from({ length: half }, (_, i) => 0.5 + (0.5 - offset) * (i + 1) / half);
    const expected = [...negative.map(quantile), 0, ...positive.map(quantile)].map((x) => x / largest);
    assert.equal(LEVELS[bits].length, 2 ** bits);
    LEVELS[bits].forEach((level, i) => assert.ok(Math.abs(level - expected[i]!) < 2e-7, `${bits} bits, level ${i}`));
  }
});

const values = fc.array(fc.float({ min: -4, max: 4, noNaN: true, noDefaultInfinity: true }), {
  minLength: 1,
  maxLength: 300,
});
const formats = fc.record({ bits: fc.constantFrom(...WIDTHS), block: fc.constantFrom(1, 3, 16, 64) });

Deno.test("quantizeBlocks() takes the level next to each weight", () => {
  fc.assert(fc.property(values, formats, (data, format) => {
    const { codes } = quantizeBlocks(float32([data.length], data), format), levels = LEVELS[format.bits];
    for (let from = 0; from < data.length; from += format.block) {
      const block = data.slice(from, from + format.block), largest = Math.max(...block.map(Math.abs)) || 1;
      block.forEach((x, i) => {
        const distance = (level: number) => Math.abs(level - x / largest);
        assert.ok(distance(levels[codes[from + i]!]!) <= Math.min(...levels.map(distance)) + 1e-12);
      });
    }
  }));
});

Deno.test("dequantizeBlocks() keeps zeros and signs, and no block's size is off by more than an eighth of the spread of sizes", () => {
  fc.assert(fc.property(values, formats, (data, format) => {
    const tensor = float32([data.length], data), blocks = quantizeBlocks(tensor, format);
    const back = dequantizeBlocks(blocks, tensor.shape);
    const sizes = Array.from(blocks.constants, (_, b) => {
      return Math.max(...data.slice(b * format.block, (b + 1) * format.block).map(Math.abs));
    });
    const mean = sizes.reduce((a, b) => a + b, 0) / sizes.length;
    const spread = Math.max(...sizes.map((size) => Math.abs(size - mean)));
    sizes.forEach((size, b) => assert.ok(Math.abs(blocks.constants[b]! - size) <= spread / 8 + 1e-6));
    tensor.data.forEach((x, i) => assert.ok(x === 0 ? back.data[i] === 0 : back.data[i]! * x >= 0));
  }));
});

Deno.test("roundToBlocks() of a normal matrix loses less with every bit", () => {
  const W = normal([64, 64], 0.05, "weights");
  const length = (data: Iterable<number>) => Math.sqrt(Array.from(data).reduce((sum, x) => sum + x * x, 0));
  const error = WIDTHS.map((bits) => {
    const rounded = roundToBlocks(W, { bits, block: 64 });
    return length(Array.from(W.data, (x, i) => x - rounded.data[i]!)) / length(W.data);
  });
  assert.ok(error[0]! > 1.5 * error[1]! && error[1]! > 1.5 * error[2]!, `${error}`);
  assert.ok(error[2]! < 0.12, `${error}`);
});

Deno.test("toFloat8() keeps four significant bits, and what has no more as it is", () => {
  fc.assert(fc.property(fc.integer({ min: 8, max: 15 }), fc.integer({ min: 0, max: 10 }), (mantissa, exponent) => {
    const x = mantissa / 16 / 2 ** exponent;
    assert.equal(toFloat8(x), x);
    assert.equal(toFloat8(-x), -x);
  }));
  fc.assert(fc.property(fc.double({ min: 2 ** -13, max: 1, noNaN: true }), (x) => {
    assert.ok(Math.abs(toFloat8(x) - x) <= x / 16);
  }));
});

Deno.test("storedBits() of NF4 is 4.127 bits a weight, as the paper counts", () => {
  assert.equal(storedBits(4096, NF4) / 4096, 4 + 8 / 64 + 32 / (64 * 256));
});
