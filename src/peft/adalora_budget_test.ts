import assert from "node:assert/strict";
import fc from "fast-check";
import { InputError } from "../errors.ts";
import { Stream } from "../random/stream.ts";
import {
  allocatesAt,
  allocator,
  budgetAt,
  type BudgetOptions,
  deviationOf,
  keepLargest,
  meanOf,
  planBudget,
  scoresOf,
  scoreTriplets,
} from "./adalora_budget.ts";
import { families } from "./family.ts";
import type { Registers } from "./method.ts";
import { config } from "./testing.ts";

const MATRICES = 6;
const steps = Array.from({ length: 20 }, (_, step) => step);

Deno.test("budgetAt() and allocatesAt() give PEFT's schedule of 20 steps", () => {
  // Fixture `adalora`, made with PEFT 0.21.
  const plan = planBudget({ initRank: 6, targetRank: 2, tInit: 3, tFinal: 4, deltaT: 2 }, MATRICES, 20);
  const budgets = [36, 36, 36, 36, 30, 26, 22, 19, 17, 15, 14, 13, 12, 12, 12, 12, 12, 12, 12, 12];
  assert.deepEqual(steps.map((step) => budgetAt(plan, step)), budgets);
  assert.deepEqual(steps.filter((step) => allocatesAt(plan, step)), [4, 6, 8, 10, 12, 14, 16]);
});

const share = fc.double({ min: 0.001, max: 0.499, noNaN: true });
const schedules = fc.record({
  targetRank: fc.integer({ min: 1, max: 4 }),
  more: fc.integer({ min: 0, max: 5 }),
  tInit: fc.oneof(share, fc.integer({ min: 0, max: 9 })),
  tFinal: fc.oneof(share, fc.integer({ min: 1, max: 9 })),
  deltaT: fc.oneof(share, fc.integer({ min: 1, max: 7 })),
}).map(({ more, ...options }): BudgetOptions => ({ ...options, initRank: options.targetRank + more }));

Deno.test("budgetAt() starts with every rank, never rises, and ends with the target in a run of any length", () => {
  fc.assert(fc.property(schedules, fc.integer({ min: 18, max: 400 }), (options, total) => {
    const plan = planBudget(options, MATRICES, total);
    const budgets = Array.from({ length: total }, (_, step) => budgetAt(plan, step));
    budgets.forEach((budget, step) => {
      assert.ok(Number.isInteger(budget) && budget >= plan.target && budget <= plan.initial);
      if (step > 0) assert.ok(budget <= budgets[step - 1]!);
      if (step <= plan.tInit && step < plan.end) assert.equal(budget, options.initRank * MATRICES);
      if (step >= plan.end) assert.equal(budget, options.targetRank * MATRICES);
    });
    assert.ok(allocatesAt(plan, plan.end) && plan.end < total);
  }));
});

Deno.test("planBudget() rounds shares down to steps, and leaves one step at least", () => {
  const options = { initRank: 2, targetRank: 1, tInit: 0.1, tFinal: 0.6, deltaT: 0.01 };
  const stepsOf = (total: number) => {
    const { tInit, tFinal, deltaT, end } = planBudget(options, 1, total);
    return [tInit, tFinal, deltaT, end];
  };
  assert.deepEqual([375, 20, 1].map(stepsOf), [[37, 225, 3, 150], [2, 12, 1, 8], [0, 1, 1, 0]]);
});

Deno.test("planBudget() refuses a schedule that is longer than the run", () => {
  const options = { initRank: 2, targetRank: 1, tInit: 8000, tFinal: 50000, deltaT: 100 };
  assert.throws(() => planBudget(options, 1, 250), (error: unknown) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /^Cannot lower ranks in a run of "250" steps with tInit "8000" .*below 1$/);
    return true;
  });
});

Deno.test("keepLargest() keeps as many as the budget says, none of them below one that it drops", () => {
  // Few different values, so that equal ones meet at the threshold.
  const scores = fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 }), { maxLength: 6 });
  fc.assert(fc.property(scores, fc.nat(40), (scores, budget) => {
    const kept = keepLargest(scores, budget), flags = kept.flat(), all = scores.flat();
    assert.deepEqual(kept.map(({ length }) => length), scores.map(({ length }) => length));
    assert.equal(flags.filter(Boolean).length, Math.min(budget, all.length));
    const lowest = Math.min(...all.filter((_, i) => flags[i])), highest = Math.max(...all.filter((_, i) => !flags[i]));
    assert.ok(lowest >= highest);
  }));
});

Deno.test("keepLargest() spreads ranks evenly where scores say nothing", () => {
  const yes = true, no = false;
  assert.deepEqual(keepLargest([[0, 0, 0], [0, 0, 0]], 4), [[yes, yes, no], [yes, yes, no]]);
  assert.deepEqual(keepLargest([[0, 0, 0], [0, 0, 0]], 3), [[yes, yes, no], [yes, no, no]]);
  assert.deepEqual(keepLargest([[0, 0, 9], [0, 0, 0]], 3), [[yes, no, yes], [yes, no, no]]);
});

Deno.test("scoreTriplets() adds E's importance to the means over its row of A and its column of B", () => {
  // One matrix of two triplets, 3 wide and 2 high; a deviation of 2 throughout doubles every mean.
  const twice = (mean: number[]) => ({ mean, deviation: mean.map(() => 2) });
  const A = twice([3, 6, 9, 30, 60, 90]), B = twice([1, 10, 3, 30]), E = twice([100, 1000]);
  assert.deepEqual(scoreTriplets({ rows: 1, rank: 2, into: 3, out: 2, A, B, E }), [
    Float64Array.of(200 + 12 + 4, 2000 + 120 + 40),
  ]);
});

/** Registers of a run in which every step moves every number anew. */
function movingRegisters(rank: number, seed: number) {
  const all = families(config, "all6"), values = new Map<string, Float32Array>();
  const move = (step: number) => {
    for (const { name, rows, into, out } of all) {
      const sizes = { lora_A: rows * rank * into, lora_B: rows * out * rank, lora_E: rows * rank };
      for (const [kind, size] of Object.entries(sizes)) {
        const key = `${name}.${kind}`;
        for (const register of [key, meanOf(key), deviationOf(key)]) {
          const stream = new Stream(seed, step, register);
          values.set(register, Float32Array.from({ length: size }, () => 0.01 + stream.uniform()));
        }
      }
    }
  };
  const registers: Registers = {
    read: (name) => values.get(name)!.slice(),
    write: (given) => Object.entries(given).forEach(([name, data]) => values.set(name, data)),
  };
  const live = () => all.flatMap(({ name }) => [...values.get(`${name}.lora_E`)!].map((value) => value !== 0));
  return { all, move, registers, live, matrices: all.reduce((sum, { rows }) => sum + rows, 0) };
}

Deno.test("allocator() masks what the budget leaves out, at last by the scores of the step before, and then after every step", () => {
  fc.assert(
    fc.property(schedules, fc.integer({ min: 18, max: 40 }), fc.nat(), fc.nat(40), (options, total, seed, stopped) => {
      const { initRank: rank } = options, run = movingRegisters(rank, seed);
      const plan = planBudget(options, run.matrices, total);
      let follow = allocator(run.all, rank, plan), memory = {};
      let last: boolean[] = [], scores: Float64Array[] = [];
      for (let time = 0; time < total; time++) {
        run.move(time);
        if (time < plan.end) scores = scoresOf(run.all, rank, run.registers);
        if (time === stopped) {
          // Another process goes on from a checkpoint.
          follow = allocator(run.all, rank, plan);
          memory = JSON.parse(JSON.stringify(memory));
        }
        follow(time + 1, run.registers, memory);
        const live = run.live(), count = live.filter(Boolean).length;
        if (allocatesAt(plan, time) || time > plan.end) assert.equal(count, budgetAt(plan, time));
        else assert.equal(count, plan.initial, "masked ranks move again between allocations");
        if (allocatesAt(plan, time)) assert.deepEqual(live, keepLargest(scores, budgetAt(plan, time)).flat());
        if (time > plan.end) assert.deepEqual(live, last);
        last = live;
      }
      assert.equal(last.filter(Boolean).length, options.targetRank * run.matrices);
    }),
    { numRuns: 25 },
  );
});
