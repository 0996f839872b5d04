/**
 * AdaLoRA's budget of ranks: how many live when, and which (Zhang et al. 2023, arXiv 2303.10512, sections 3.2 and 3.3).
 *
 * Steps are counted from 0 here, as the paper and PEFT count them. The budget holds all ranks until `tInit`, falls with the
 * third power of the time left, and holds the target from `tFinal` steps before the end. What a budget leaves out is masked on
 * every `deltaT`-th step; masked ranks keep learning and may come back. From the end of the schedule on the choice is final.
 */
import { InputError } from "../errors.ts";
import type { Family } from "./family.ts";
import type { Memory, Registers } from "./method.ts";

export interface BudgetOptions {
  readonly initRank: number;
  readonly targetRank: number;
  /** Each of the three in steps, or below 1 as a share of the run. */
  readonly tInit: number;
  readonly tFinal: number;
  readonly deltaT: number;
}

/** A schedule of budgets in steps of one run. */
export interface BudgetPlan {
  readonly total: number;
  readonly tInit: number;
  readonly tFinal: number;
  readonly deltaT: number;
  /** The step of the last allocation. */
  readonly end: number;
  /** Ranks of all matrices together, first and last. */
  readonly initial: number;
  readonly target: number;
}

/**
 * The schedule of a run. A share is rounded down to whole steps; there is always a last step, so that a run of any length ends
 * within its target.
 *
 * @param matrices adapted matrices
 * @param total steps of the run
 * @throws InputError if there are more steps before and after the schedule than in the run
 */
export function planBudget(options: BudgetOptions, matrices: number, total: number): BudgetPlan {
  const { initRank, targetRank } = options;
  const stepsOf = (length: number) => length < 1 ? Math.floor(length * total) : length;
  const tInit = stepsOf(options.tInit), tFinal = Math.max(1, stepsOf(options.tFinal));
  if (tInit + tFinal > total) {
    throw new InputError(
      `Cannot lower ranks in a run of "${total}" steps with tInit "${options.tInit}" and tFinal "${options.tFinal}": ` +
        `expected fewer steps, or shares of the run below 1`,
    );
  }
  return {
    total,
    tInit,
    tFinal,
    deltaT: Math.max(1, stepsOf(options.deltaT)),
    end: total - tFinal,
    initial: initRank * matrices,
    target: targetRank * matrices,
  };
}

/** Ranks that may live after a step, all matrices together (paper, section 3.3). */
export function budgetAt({ tInit, end, initial, target }: BudgetPlan, step: number): number {
  if (step >= end) return target;
  if (step <= tInit) return initial;
  const left = 1 - (step - tInit) / (end - tInit);
  return Math.trunc((initial - target) * (left * left * left) + target);
}

/** Whether ranks are chosen anew after a step. */
export function allocatesAt({ tInit, end, deltaT }: BudgetPlan, step: number): boolean {
  return step === end || (step > tInit && step < end && step % deltaT === 0);
}

/** What is known of one parameter of all triplets: the running means of its sensitivity and of that one's deviation. */
export interface Sensitivity {
  readonly mean: ArrayLike<number>;
  readonly deviation: ArrayLike<number>;
}

/** A stack of matrices in triplets: A [rows, rank, into], B [rows, out, rank], E [rows, rank]. */
export interface Triplets {
  readonly rows: number;
  readonly rank: number;
  readonly into: number;
  readonly out: number;
  readonly A: Sensitivity;
  readonly B: Sensitivity;
  readonly E: Sensitivity;
}

/**
 * How much each triplet matters: the importance of its E, plus the mean importance of its row of A and of its column of B,
 * where importance is sensitivity times uncertainty (paper, section 3.2).
 * @returns one array [rank] for each matrix of the stack
 */
export function scoreTriplets({ rows, rank, into, out, A, B, E }: Triplets): Float64Array[] {
  const importance = ({ mean, deviation }: Sensitivity, i: number) => mean[i]! * deviation[i]!;
  return Array.from({ length: rows }, (_, row) =>
    Float64Array.from({ length: rank }, (_, k) => {
      let ofA = 0, ofB = 0;
      for (let i = 0; i < into; i++) ofA += importance(A, (row * rank + k) * into + i);
      for (let i = 0; i < out; i++) ofB += importance(B, (row * out + i) * rank + k);
      return importance(E, row * rank + k) + ofA / into + ofB / out;
    }));
}

/**
 * The triplets of the largest scores, over all matrices. Equal scores favour the lower place within a matrix, then the earlier
 * matrix, so that without information ranks are spread evenly.
 *
 * @param scores by matrix and triplet
 * @param budget how many to keep
 * @returns whether each is kept, in the same order: as many as the budget says, or all
 */
export function keepLargest(scores: readonly ArrayLike<number>[], budget: number): boolean[][] {
  const kept = scores.map(({ length }) => Array.from({ length }, () => false));
  scores.flatMap((ofMatrix, matrix) => Array.from(ofMatrix, (score, k) => ({ score, matrix, k })))
    .sort((a, b) => b.score - a.score || a.k - b.k || a.matrix - b.matrix)
    .slice(0, budget)
    .forEach(({ matrix, k }) => kept[matrix]![k] = true);
  return kept;
}

/** State beside a parameter: the running means of its sensitivity and of that one's deviation. */
export const meanOf = (name: string): string => `${name}.mean`;
export const deviationOf = (name: string): string => `${name}.deviation`;

/** The scores of all triplets as the state has them, by matrix: families in order, row by row. */
export function scoresOf(all: readonly Family[], rank: number, { read }: Pick<Registers, "read">): Float64Array[] {
  const of = (name: string): Sensitivity => ({ mean: read(meanOf(name)), deviation: read(deviationOf(name)) });
  return all.flatMap(({ name, rows, into, out }) => {
    const A = of(`${name}.lora_A`), B = of(`${name}.lora_B`), E = of(`${name}.lora_E`);
    return scoreTriplets({ rows, rank, into, out, A, B, E });
  });
}

/** What follows each step of a run, counted from 1: ranks are chosen when it is time, and E is set to 0 where none is left. */
export function allocator(all: readonly Family[], rank: number, plan: BudgetPlan) {
  return (step: number, registers: Registers, memory: Memory): void => {
    let { scores, kept = [] } = memory as { scores?: number[][]; kept?: boolean[][] };
    const time = step - 1, chooses = allocatesAt(plan, time);
    // The last choice goes by what was known a step before: PEFT follows importance no further.
    const looks = time < plan.end ? chooses || time === plan.end - 1 : !scores;
    if (looks) memory.scores = scores = scoresOf(all, rank, registers).map((of) => [...of]);
    if (chooses) memory.kept = kept = keepLargest(scores!, budgetAt(plan, time));
    if (!chooses && time < plan.end) return;
    let first = 0;
    const masked = all.map(({ name, rows }) => {
      const E = registers.read(`${name}.lora_E`), mine = kept.slice(first, first += rows).flat();
      return [`${name}.lora_E`, E.map((value, i) => mine[i] ? value : 0)];
    });
    registers.write(Object.fromEntries(masked));
  };
}
