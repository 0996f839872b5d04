import assert from "node:assert/strict";
import fc from "fast-check";
import { InputError } from "../errors.ts";
import { allocateBits, type Choice } from "./bit_allocation.ts";

const choice = fc.record({ cost: fc.integer({ min: 1, max: 12 }), loss: fc.integer({ min: 0, max: 40 }) });
const problems = fc.record({
  matrices: fc.array(fc.array(choice, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
  spare: fc.integer({ min: 0, max: 30 }),
}).map(({ matrices, spare }) => ({
  matrices,
  budget: spare + matrices.reduce((sum, choices) => sum + Math.min(...choices.map(({ cost }) => cost)), 0),
}));

/** Cost and loss of every plan there is. */
function everyPlan(matrices: readonly (readonly Choice[])[]): Choice[] {
  return matrices.reduce<Choice[]>((plans, choices) => {
    return plans.flatMap((plan) => choices.map((c) => ({ cost: plan.cost + c.cost, loss: plan.loss + c.loss })));
  }, [{ cost: 0, loss: 0 }]);
}

Deno.test("allocateBits() loses no more than the best of all plans within the budget", () => {
  fc.assert(fc.property(problems, ({ matrices, budget }) => {
    const chosen = allocateBits(matrices, budget).map((index, i) => matrices[i]![index]!);
    assert.equal(chosen.length, matrices.length);
    assert.ok(chosen.reduce((sum, { cost }) => sum + cost, 0) <= budget);
    const affordable = everyPlan(matrices).filter(({ cost }) => cost <= budget).map(({ loss }) => loss);
    assert.equal(chosen.reduce((sum, { loss }) => sum + loss, 0), Math.min(...affordable));
  }));
});

Deno.test("allocateBits() gives the bits to the matrix that gains most", () => {
  const formats = (loss: number) => [{ cost: 2, loss }, { cost: 3, loss: loss / 2 }, { cost: 4, loss: loss / 4 }];
  assert.deepEqual(allocateBits([formats(1), formats(8), formats(1)], 8), [0, 2, 0]);
});

Deno.test("allocateBits() refuses a budget that nothing fits", () => {
  assert.throws(() => allocateBits([[{ cost: 2, loss: 0 }], [{ cost: 3, loss: 0 }]], 4), (error) => {
    assert.ok(error instanceof InputError);
    assert.equal(error.message, `Cannot keep the matrices in "4" bits, expected at least "5"`);
    return true;
  });
});
