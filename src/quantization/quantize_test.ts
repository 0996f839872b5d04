import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { BIT_WIDTHS, levelWeights } from "./gates.ts";
import { quantize, type QuantizeOptions, rangeOverStep, STEP_RATIOS } from "./quantize.ts";

tf.enableProdMode();
await tf.setBackend("cpu");

/** Quantizes numbers with one step and the gates that stand for a bit width. */
function quantized(x: readonly number[], s2: number, width: number, options: QuantizeOptions = {}): number[] {
  return tf.tidy(() => {
    const gates = tf.tensor2d([[0, 1, 2, 3].map((i) => i < width ? 1 : 0)]);
    return [...quantize(tf.tensor2d([[...x]]), tf.tensor1d([s2]), levelWeights(gates), options).dataSync()];
  });
}

const steps = fc.float({ min: Math.fround(1e-4), max: 1e4, noNaN: true });
const float32s = (max: number) => fc.float({ min: -max, max, noNaN: true });
const widths = fc.integer({ min: 0, max: 4 });

Deno.test("quantize() gives the ends of a range, and all beyond, the outermost level inside it", () => {
  fc.assert(
    fc.property(
      steps,
      fc.integer({ min: 0, max: 3 }),
      fc.float({ min: 1, max: 100, noNaN: true }),
      (s2, width, beyond) => {
        for (const signed of [true, false]) {
          const end = Math.fround(s2 * rangeOverStep(signed)), levels = 2 ** BIT_WIDTHS[width]!;
          const last = (signed ? levels / 2 - 1 : levels - 1) * s2 / STEP_RATIOS[width]!;
          const [atEnd, outside, below] = quantized([end, end * beyond, -end * beyond], s2, width, { signed });
          for (const [got, expected] of [[atEnd, last], [outside, last], [below, signed ? -last : 0]] as const) {
            assert.ok(Math.abs(got! - expected) <= 1e-6 * last, `${got} is not ${expected}`);
          }
        }
      },
    ),
  );
});

Deno.test("quantize() stays within half a step of what it is given, and on the grid", () => {
  fc.assert(fc.property(steps, widths, fc.array(float32s(1), { minLength: 1 }), (s2, width, shares) => {
    // Up to the outermost level; beyond it the distance grows to half a step at the end of the range.
    const x = shares.map((share) => Math.fround(share * s2)), step = s2 / STEP_RATIOS[width]!;
    quantized(x, s2, width).forEach((y, i) => {
      assert.ok(Math.abs(y - x[i]!) <= step / 2 + 3e-7 * s2, `${x[i]} became ${y} on a grid of ${step}`);
      if (width <= 2) assert.ok(Math.abs(y / step - Math.round(y / step)) < 1e-4, `${y} is off a grid of ${step}`);
    });
  }));
});

Deno.test("quantize() leaves the numbers that the published sum of residuals gives, but for half-way points", () => {
  fc.assert(fc.property(steps, widths, fc.array(float32s(1.5), { minLength: 1 }), (s2, width, shares) => {
    const x = shares.map((share) => Math.fround(share * s2)), got = quantized(x, s2, width, { clip: false });
    x.forEach((value, i) => {
      let left = value, sum = 0;
      for (const ratio of STEP_RATIOS.slice(0, width + 1)) {
        const part = left / (s2 / ratio), step = s2 / ratio;
        if (ratio < 2 ** 8 && Math.abs(part - Math.floor(part) - 0.5) < 1e-4) return;
        sum += Math.round(part) * step;
        left = value - sum;
      }
      // From 16 bits on a float32 is too coarse to tell a half-way point from its neighbours: one step either way.
      const allowed = 3e-7 * s2 + (width >= 3 ? s2 / STEP_RATIOS[3] : 0);
      assert.ok(Math.abs(got[i]! - sum) <= allowed, `${value} became ${got[i]}, expected ${sum}`);
    });
  }));
});

Deno.test("quantize() rounds a half-way point of a fine grid to even, where residuals can round to odd", () => {
  // Steps 5 and 1: 5.5 lies between 5 = 5 + 0 (the residual 0.5 rounded to even) and 6 (the even point of the grid).
  assert.deepEqual(quantized([5.5, 4.5, 6.5, -5.5], 5, 1), [6, 4, 6, -6]);
});
