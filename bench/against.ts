/**
 * Times two training steps in turn, in one process: where a machine is fast at one moment and slow at the next, it is so for both.
 * Prints a line of JSON for each pair of steps timed, and one with the result.
 */
import { given, type Request } from "./request.ts";
import { median, quantile, rounded } from "./statistics.ts";
import { giveUp, openStep, optionsOf } from "./train_step.ts";

export interface Pair {
  /** What is timed, and what it is held against. */
  readonly sides: readonly [Request, Request];
  /** Of each side. */
  readonly steps: number;
}

export interface Against {
  readonly ms_per_step: readonly [number, number];
  /** The first side's time over the second's, of steps that followed each other. */
  readonly ratio: { readonly median: number; readonly lower_quartile: number; readonly upper_quartile: number };
}

const { sides, steps } = given<Pair>(), [one, other] = await Promise.all(sides.map(open)) as [Step, Step];
const times: [number, number][] = [], warmUp = 2;
for (let step = 1; step <= warmUp + steps; step++) {
  // Whoever comes second finds the first's data in the caches: they take turns at that, too.
  const pair = step % 2 ? [await one(step), await other(step)] : [await other(step), await one(step)].toReversed();
  if (step > warmUp) times.push(pair as [number, number]);
  console.log(JSON.stringify(step / (warmUp + steps)));
}
const ratios = times.map(([a, b]) => a / b);
const result: Against = {
  ms_per_step: [rounded(median(times.map(([a]) => a)), 2), rounded(median(times.map(([, b]) => b)), 2)],
  ratio: {
    median: rounded(median(ratios), 3),
    lower_quartile: rounded(quantile(ratios, 0.25), 3),
    upper_quartile: rounded(quantile(ratios, 0.75), 3),
  },
};
console.log(JSON.stringify(result));
Deno.exit(0);

/** Milliseconds of a step. */
type Step = (step: number) => Promise<number>;

async function open(side: Request): Promise<Step> {
  const { run } = await openStep(side.engine, side.method, side, optionsOf(side)).catch(giveUp);
  return async (step) => {
    const started = performance.now();
    await run(step);
    return performance.now() - started;
  };
}
