/** `deno task bench --peers`: the same training steps in our engine, in PyTorch and in TensorFlow.js, turn by turn. */
import { INSTALLED_AT, readInstallation } from "../src/engines/tensorflow/installation.ts";
import { UsageError } from "../src/errors.ts";
import { macsOfStep } from "./arithmetic.ts";
import { measure, resultOf, theirs } from "./child.ts";
import { measureCeiling } from "./gemm.ts";
import { interleave } from "./interleave.ts";
import { type Machine, machine } from "./machine.ts";
import { mergeMeasurements } from "./merge.ts";
import { expectedSeconds, Progress } from "./progress.ts";
import type { Request, Row } from "./request.ts";
import { SHAPES } from "./shapes.ts";
import { median, rounded } from "./statistics.ts";

/** Our engine; the others are held against it. */
export const OURS = "native";

/** Methods that PEFT has, too. */
export const PEER_METHODS = ["lora", "adalora", "full-ft", "bitfit"];

/** Medians over the rounds of one side. */
export interface Side {
  readonly ms_per_step: number;
  readonly ms_by_round: readonly number[];
  readonly tokens_per_second: number;
  readonly peak_rss_mb: number;
  /** Useful arithmetic per second (our graph's, for every side) as a share of the fastest products: 0 to 1. */
  readonly ceiling_share: number;
}

/** Our time over another side's, in the same round. */
export interface Ratio {
  readonly by_round: readonly number[];
  readonly median: number;
}

export interface Case {
  readonly shape: string;
  readonly method: string;
  readonly batch: number;
  readonly length: number;
  readonly threads: number;
  readonly steps: number;
  readonly multiply_accumulates: number;
  readonly ceiling_gflops: number;
  readonly sides: Readonly<Record<string, Side>>;
  readonly ratios: Readonly<Record<string, Ratio>>;
}

export interface Comparison {
  readonly machine: Machine;
  readonly cases: readonly Case[];
}

export interface PeersOptions {
  readonly method?: string;
  readonly shape?: string;
  readonly length?: number;
  readonly threads: number;
  readonly steps?: number;
  readonly rounds?: number;
}

/** What was measured of one case, by side and round. */
export function summarize(
  { shape, method, batch, length, threads, steps }: Omit<Request, "engine" | "config" | "target">,
  rows: Readonly<Record<string, readonly Row[]>>,
  multiply_accumulates: number,
  ceiling_gflops: number,
): Case {
  const timesOf = (side: string) => rows[side]!.map(({ ms_per_step }) => ms_per_step);
  const sides = Object.entries(rows).map(([name, own]): [string, Side] => {
    const ms = median(timesOf(name));
    return [name, {
      ms_per_step: rounded(ms, 2),
      ms_by_round: timesOf(name),
      tokens_per_second: Math.round(batch * length / ms * 1000),
      peak_rss_mb: Math.round(median(own.map(({ peak_rss_mb }) => peak_rss_mb))),
      ceiling_share: shareOf(multiply_accumulates, ms, ceiling_gflops),
    }];
  });
  const ratios = Object.keys(rows).filter((name) => name !== OURS).map((name): [string, Ratio] => {
    const by_round = timesOf(name).map((ms, i) => rounded(timesOf(OURS)[i]! / ms, 4));
    return [name, { by_round, median: rounded(median(by_round), 4) }];
  });
  return {
    shape,
    method,
    batch,
    length,
    threads,
    steps,
    multiply_accumulates,
    ceiling_gflops,
    sides: Object.fromEntries(sides),
    ratios: Object.fromEntries(ratios),
  };
}

/** Useful arithmetic per second as a share of the ceiling. */
const shareOf = (macs: number, ms: number, gflops: number): number => rounded(2 * macs / ms / 1e6 / gflops, 4);

/** A case held against another ceiling. */
function under(gflops: number, one: Case): Case {
  const sides = Object.entries(one.sides).map(([name, side]) => {
    return [name, { ...side, ceiling_share: shareOf(one.multiply_accumulates, side.ms_per_step, gflops) }];
  });
  return { ...one, ceiling_gflops: gflops, sides: Object.fromEntries(sides) };
}

/**
 * Puts new cases in the place of older ones of the same shape, method, batch and length. Cases stand in the order of shapes,
 * lengths and methods.
 * @returns all of them; and a line on older ones that are of another machine, other versions or another number of threads
 */
export function merge(
  saved: Comparison | null,
  fresh: Comparison,
): { readonly all: Comparison; readonly dropped: string | null } {
  const { items: cases, dropped } = mergeMeasurements(
    saved && { machine: saved.machine, items: saved.cases },
    { machine: fresh.machine, items: fresh.cases },
    ({ shape, method, batch, length }) => `${shape} ${method} ${batch} × ${length}`,
  );
  // It is the machine's, so the fastest that any of the runs saw is it.
  const ceiling = Math.max(...cases.map(({ ceiling_gflops }) => ceiling_gflops));
  const shapes = Object.keys(SHAPES);
  const place = ({ shape, length, method }: Case) => [shapes.indexOf(shape), length, PEER_METHODS.indexOf(method)];
  const compare = (a: Case, b: Case) =>
    place(a).map((x, i) => x - place(b)[i]!).find((difference) => difference !== 0) ?? 0;
  return { all: { machine: fresh.machine, cases: cases.map((one) => under(ceiling, one)).sort(compare) }, dropped };
}

/**
 * Runs the comparison.
 * @param onCase gets all cases so far whenever one is done, so that what was measured outlives an interruption
 * @throws InputError if PyTorch's side is not installed; UsageError for a method that PEFT does not have
 */
export async function comparePeers(
  options: PeersOptions,
  onCase: (comparison: Comparison) => Promise<void>,
): Promise<Comparison> {
  const { method, shape, threads, rounds = 3 } = options;
  if (method && !PEER_METHODS.includes(method)) {
    throw new UsageError(`Cannot compare method "${method}" with PEFT: expected one of ${PEER_METHODS.join(", ")}`);
  }
  const versions = await resultOf<Record<string, string>>("PyTorch", await theirs("machine.py", null));
  const tensorflow = await readInstallation(INSTALLED_AT) ? ["tensorflow"] : [];
  const requests = (shape ? [shape] : ["mini", "xsmall"]).flatMap((name) =>
    (method ? [method] : PEER_METHODS).map((method) => ({
      ...SHAPES[name]!,
      ...(options.length && { length: options.length }),
      shape: name,
      method,
      target: null,
      threads,
      steps: options.steps ?? (name === "mini" ? 20 : 3),
    }))
  );
  const turns = interleave([OURS, "pytorch", ...tensorflow], rounds);
  const expected = requests.flatMap((one) => turns.map(({ side }) => expectedSeconds({ ...one, engine: side })));
  const progress = new Progress([5, ...expected]);
  const ceiling = rounded(await progress.during("Speed of matrix products", () => measureCeiling(threads)), 2);
  let done: Comparison = { machine: machine(versions), cases: [] };
  for (const request of requests) {
    const rows: Record<string, Row[]> = {};
    for (const { side, round } of turns) {
      const what = `${request.shape} ${request.method} on ${side}, round ${round} of ${rounds}`;
      (rows[side] ??= []).push(await progress.during(what, () => measure({ ...request, engine: side })));
    }
    const fresh = summarize(request, rows, macsOfStep(request.method, request, true), ceiling);
    await onCase(done = { ...done, cases: [...done.cases, fresh] });
  }
  return done;
}
