/**
 * Shares a budget of bits out among matrices: one format for each, the total loss as small as the budget allows (the integer
 * programme of Guo et al. 2023, arXiv 2311.12023, section 3.2), solved exactly.
 */
import { InputError } from "../errors.ts";

/** One way to keep a matrix. */
export interface Choice {
  /** Bits it takes. Costs must be multiples of a power of two, so that their sums are exact. */
  readonly cost: number;
  readonly loss: number;
}

/** A choice for each of the first matrices. */
interface Plan {
  readonly cost: number;
  readonly loss: number;
  readonly last: number;
  readonly before: Plan | null;
}

/**
 * Dynamic programming over the matrices. Of plans for the first few, only those stay that lose less than every plan that is
 * as cheap: what an optimal plan does with the rest of the budget does not depend on how the first part was spent.
 * @param matrices the choices for each
 * @returns the index of the choice for each; of equally good plans, one that costs least
 * @throws InputError if even the cheapest choices exceed the budget
 */
export function allocateBits(matrices: readonly (readonly Choice[])[], budget: number): number[] {
  const cheapest = matrices.map((choices) => Math.min(...choices.map(({ cost }) => cost)));
  let reserved = cheapest.reduce((sum, cost) => sum + cost, 0);
  if (!(reserved <= budget)) {
    throw new InputError(`Cannot keep the matrices in "${budget}" bits, expected at least "${reserved}"`);
  }
  let plans: Plan[] = [{ cost: 0, loss: 0, last: -1, before: null }];
  matrices.forEach((choices, i) => {
    reserved -= cheapest[i]!;
    const best = new Map<number, Plan>();
    for (const before of plans) {
      choices.forEach((choice, last) => {
        const cost = before.cost + choice.cost, loss = before.loss + choice.loss, known = best.get(cost);
        if (cost + reserved <= budget && !(known && known.loss <= loss)) best.set(cost, { cost, loss, last, before });
      });
    }
    let least = Infinity;
    plans = [...best.values()].sort((a, b) => a.cost - b.cost).filter(({ loss }) => {
      const better = loss < least;
      least = Math.min(least, loss);
      return better;
    });
  });
  // Losses fall as costs rise, so the last plan is the best.
  const chosen: number[] = [];
  for (let plan = plans.at(-1)!; plan.before; plan = plan.before) chosen.unshift(plan.last);
  return chosen;
}
