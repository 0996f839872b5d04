import assert from "node:assert/strict";
import fc from "fast-check";
import { logSlope, median, quantile } from "./statistics.ts";

Deno.test("median() is the middle value, or the mean of two, in any order", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 3, 100]), 3.5);
  assert.equal(median([10, 9, 100]), 10);
  assert.throws(() => median([]), RangeError);
});

Deno.test("quantile() is the middle value for a half, an end for 0 and 1, and in proportion between", () => {
  const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });
  fc.assert(fc.property(values, (values) => {
    assert.ok(Math.abs(quantile(values, 0.5) - median(values)) <= 1e-9);
    // (Not deepEqual, which tells 0 from -0.)
    assert.ok(quantile(values, 0) === Math.min(...values) && quantile(values, 1) === Math.max(...values));
  }));
  assert.equal(quantile([5, 1, 2], 0.25), 1.5);
  assert.throws(() => quantile([], 0.5), RangeError);
});

Deno.test("logSlope() finds the exponent of a power", () => {
  const positive = fc.double({ min: 0.1, max: 100, noNaN: true }),
    exponent = fc.double({ min: -3, max: 3, noNaN: true });
  fc.assert(fc.property(positive, exponent, (scale, power) => {
    const slope = logSlope([1, 2, 4, 8].map((x) => ({ x, y: scale * x ** power })));
    assert.ok(Math.abs(slope - power) < 1e-9, `${slope} for ${power}`);
  }));
});

Deno.test("logSlope() goes between points that lie on no line", () => {
  // log2 y is 0, 2, 1 at log2 x of 0, 1, 2: the outer points decide.
  assert.ok(Math.abs(logSlope([{ x: 1, y: 1 }, { x: 2, y: 4 }, { x: 4, y: 2 }]) - 0.5) < 1e-12);
  assert.throws(() => logSlope([{ x: 2, y: 1 }, { x: 2, y: 3 }]), RangeError);
});
