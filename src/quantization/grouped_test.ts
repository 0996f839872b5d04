import assert from "node:assert/strict";
import fc from "fast-check";
import { float32 } from "../tensor/host_tensor.ts";
import { dequantizeGroups, quantizeGroups, roundToGroups } from "./grouped.ts";

const matrices = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 20 })).chain(([rows, columns]) =>
  fc.array(fc.float({ min: -2, max: 2, noNaN: true, noDefaultInfinity: true }), {
    minLength: rows * columns,
    maxLength: rows * columns,
  }).map((data) => float32([rows, columns], data))
);
const bits = fc.integer({ min: 1, max: 8 }), groupSize = fc.constantFrom(1, 2, 4, 7, 64);

Deno.test("quantizeGroups() moves no weight by more than half a step of its group", () => {
  fc.assert(fc.property(matrices, bits, groupSize, (matrix, bits, size) => {
    const back = roundToGroups(matrix, bits, size), [rows, columns] = matrix.shape as [number, number];
    for (let row = 0; row < rows; row++) {
      for (let from = 0; from < columns; from += size) {
        const group = (data: ArrayLike<number>) =>
          Array.from({ length: Math.min(size, columns - from) }, (_, i) => data[row * columns + from + i]!);
        const weights = group(matrix.data), rounded = group(back.data);
        const half = (Math.max(...weights) - Math.min(...weights)) / (2 ** bits - 1) / 2;
        weights.forEach((w, i) => assert.ok(Math.abs(w - rounded[i]!) <= half + 2e-7));
        assert.ok(new Set(rounded).size <= 2 ** bits);
      }
    }
  }));
});

Deno.test("quantizeGroups() leaves a quantized matrix as it is", () => {
  fc.assert(fc.property(matrices, bits, groupSize, (matrix, bits, size) => {
    const once = roundToGroups(matrix, bits, size);
    assert.deepEqual(roundToGroups(once, bits, size).data, once.data);
  }));
});

Deno.test("A zero point that moves shifts every weight of its group, and no code changes", () => {
  const quantized = quantizeGroups(float32([1, 4], [0, 3, 8, 11]), 2, 2);
  assert.deepEqual([...quantized.codes], [0, 3, 0, 3]);
  const moved = { ...quantized, low: quantized.low.map((low, group) => low + (group === 1 ? 0.5 : 0)) };
  assert.deepEqual([...dequantizeGroups(moved).data], [0, 3, 8.5, 11.5]);
});
