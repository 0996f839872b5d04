import assert from "node:assert/strict";
import fc from "fast-check";
import { compare, worse } from "./compare.ts";

const loose = { abs: 0.01, rel: 0.1 }, maxNorm = { ...loose, rule: "max-norm per tensor" };
const numbers = fc.array(fc.double());

Deno.test("compare() finds no deviation between equal numbers, NaN and infinities included", () => {
  fc.assert(fc.property(numbers, (all) => {
    for (const tolerance of ["exact", loose, maxNorm] as const) {
      assert.deepEqual(compare(all, all, tolerance), { maxAbs: 0, maxRel: 0, outside: undefined });
    }
  }));
});

Deno.test("compare() allows abs + rel |expected| for each element", () => {
  assert.equal(compare([1.1, 100, -0.009], [1, 109, 0], loose).outside, undefined);
  assert.deepEqual(compare([1, 0, 5], [1, 0.5, 4], loose), { maxAbs: 1, maxRel: 1, outside: 1 });
});

Deno.test("compare() under max-norm allows every element the same", () => {
  assert.deepEqual(compare([9.5, 0.5], [10, 0], maxNorm), { maxAbs: 0.5, maxRel: 0.05, outside: undefined });
  assert.equal(compare([9.5, 0.5], [10, 0], loose).outside, 1);
  assert.equal(compare([0, 0.5], [0, 0], maxNorm).outside, 1);
});

Deno.test("compare() takes nothing but the same number for exact", () => {
  assert.equal(compare([1, 2], [1, 2 + 1e-15], "exact").outside, 1);
});

Deno.test("compare() is outside any tolerance where one side alone is NaN or infinite", () => {
  const endless = { abs: Number.MAX_VALUE, rel: 1 };
  const pairs = [[NaN, 1], [1, NaN], [Infinity, 1], [1, -Infinity], [Infinity, -Infinity], [NaN, Infinity]] as const;
  for (const [got, expected] of pairs) {
    for (const tolerance of ["exact", endless, { ...endless, rule: "max-norm" }] as const) {
      const { maxAbs, outside } = compare([0, got], [0, expected], tolerance);
      assert.deepEqual({ maxAbs, outside }, { maxAbs: Infinity, outside: 1 });
    }
  }
});

Deno.test("compare() leaves out what its flags leave out, the maximum of max-norm included", () => {
  assert.deepEqual(compare([1, NaN, 3], [1, 2, 3], loose, [1, 0, 1]).outside, undefined);
  assert.equal(compare([1000, 0.5], [1000, 0], maxNorm, [0, 1]).outside, 1);
});

Deno.test("compare() refuses lists of different lengths", () => {
  assert.throws(() => compare([1], [1, 2], loose), RangeError);
  assert.throws(() => compare([1], [1], loose, [1, 1]), RangeError);
});

Deno.test("worse() keeps the largest deviations and the first element outside", () => {
  const a = { maxAbs: 1, maxRel: 4, outside: undefined }, b = { maxAbs: 2, maxRel: 3, outside: 7 };
  assert.deepEqual(worse(a, b), { maxAbs: 2, maxRel: 4, outside: 7 });
});
