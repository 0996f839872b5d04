import assert from "node:assert/strict";
import fc from "fast-check";
import { signedRank } from "./signed_rank.ts";

/** Every assignment of signs, counted one by one. */
function byEnumeration(differences: readonly number[]): { pPositive: number; pNegative: number } {
  const some = differences.filter((d) => d !== 0), sizes = some.map(Math.abs);
  const rank = (size: number) =>
    sizes.filter((other) => other < size).length + (sizes.filter((other) => other === size).length + 1) / 2;
  const statistic = (signs: number) => sizes.reduce((sum, size, i) => signs >> i & 1 ? sum + rank(size) : sum, 0);
  const observed = some.reduce((sum, d) => d > 0 ? sum + rank(d) : sum, 0);
  const all = Array.from({ length: 2 ** some.length }, (_, signs) => statistic(signs));
  const share = (holds: (s: number) => boolean) => all.filter(holds).length / all.length;
  return { pPositive: share((s) => s >= observed), pNegative: share((s) => s <= observed) };
}

Deno.test("signedRank() equals a count of all assignments of signs, ties and zeros included", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -4, max: 4 }), { maxLength: 9 }), (differences) => {
    const { pPositive, pNegative } = signedRank(differences), expected = byEnumeration(differences);
    assert.ok(Math.abs(pPositive - expected.pPositive) < 1e-12 && Math.abs(pNegative - expected.pNegative) < 1e-12);
  }));
});

Deno.test("signedRank() gives the tabulated probabilities of five and of eight differences", () => {
  assert.equal(signedRank([1, 2, 3, 4, 5]).pPositive, 1 / 32);
  // Sums of at most 5 out of ranks 1 to 8: {}, 1, 2, 3, 4, 5, 1+2, 1+3, 1+4, 2+3.
  assert.equal(signedRank([5, -1, -4, 6, 7, 8, 3, 2].map((d) => d)).pPositive, 10 / 256);
});

Deno.test("signedRank() of nothing, or of zeros, supports neither side", () => {
  for (const none of [[], [0, 0, 0]]) {
    assert.deepEqual(signedRank(none), { pairs: 0, pPositive: 1, pNegative: 1 });
  }
});

Deno.test("signedRank() turns around with the signs, and handles as many pairs as the largest profile has", () => {
  const many = Array.from({ length: 40 }, (_, i) => i % 7 === 0 ? -i : i);
  const there = signedRank(many), back = signedRank(many.map((d) => -d));
  assert.deepEqual([there.pPositive, there.pNegative], [back.pNegative, back.pPositive]);
  assert.ok(there.pPositive < 1e-3 && there.pPositive > 0);
});
