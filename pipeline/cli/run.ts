/** Runs a profile's steps and shows it. */
import { join } from "node:path";
import type { Event } from "../../src/graph/events.ts";
import { buildGraph, narrow } from "../../src/graph/graph.ts";
import { writeAtomically } from "../../src/atomic.ts";
import type { ResultFiles } from "../../src/graph/lock_file.ts";
import { chooseReporter } from "../../src/graph/reporters/choose_reporter.ts";
import { inspect, reproduce, type Reproduced, type Target } from "../../src/graph/reproduce.ts";
import type { Step } from "../../src/graph/step.ts";
import { UsageError } from "../../src/errors.ts";
import type { Executor } from "../../src/graph/executor.ts";
import { LONG_KINDS, MODULES } from "../kinds.ts";
import { downloadsOf } from "../paper.ts";
import { refuseMissing } from "./engine.ts";
import { type Context, fetchInputs, type ResultsOptions } from "./context.ts";
import { abortOnInterrupt } from "../../src/graph/interrupt.ts";
import { predicts, surelyFits } from "./memory_bound.ts";
import { targetOf } from "./states.ts";
import { type ExitCode, SLURM_JOBS } from "./usage.ts";

export interface RunningOptions extends ResultsOptions {
  readonly mirror?: string;
  readonly jobs?: number;
  readonly executor?: "local" | "slurm";
  readonly force?: "targets" | "downstream";
  readonly keepGoing?: boolean;
  readonly json?: boolean;
}

export interface Run {
  /** Narrows to these steps and what they need. */
  readonly only?: readonly string[];
  /** Result files to write; none leaves them in the store. */
  readonly files?: ResultFiles;
  /** `files` is all that the folder of results should hold. */
  readonly complete?: boolean;
}

/** What the command line exits with after a run. */
export const EXIT_CODES = { ok: 0, failed: 1, interrupted: 130 } as const satisfies Record<
  Reproduced["status"],
  ExitCode
>;

/** Brings steps up to date; with `--no-cache`, in a cache of their own that is removed afterwards. */
export async function run(
  context: Context,
  options: RunningOptions,
  { only, files, complete = false }: Run,
): Promise<Reproduced> {
  const whole = buildGraph(context.steps);
  const graph = only ? narrow(whole, only) : whole; // Refuses an unknown name before anything is downloaded.
  refuseMissing(context, context.profile.name);
  const remote = options.executor === "slurm" ? await cluster(options) : null;
  const steps = [...graph.steps.values()];
  let found: ReturnType<typeof pendingSteps> | undefined;
  const pending = () => found ??= pendingSteps(context, options, only, steps);
  // What fits the machines of a cluster is the cluster's to say.
  if (!remote) await checkMemory(context, options, steps, pending);
  if (downloadsOf(context.profile).length > 0) {
    await fetchInputs(context.profile, options.mirror, new Set((await pending()).flatMap(filesOf)));
  }
  const cache = options.cache || await Deno.makeTempDir({ prefix: "no-cache-" });
  const reporter = await chooseReporter({ json: options.json ?? false, verbose: options.verbose ?? false });
  const seconds: Record<string, number> = {};
  const emit = (event: Event) => {
    if (event.type === "finished" && event.how === "computed") {
      seconds[event.step] = Math.round(event.seconds * 1000) / 1000;
    }
    // Displays end with the promise that what has ended is kept.
    if (event.type === "done" && event.status === "interrupted" && !options.cache && !options.json) reporter.close();
    else reporter.report(event);
  };
  try {
    const outcome = await reproduce({
      steps: context.steps,
      modules: MODULES,
      environment: context.environment,
      cache,
      scope: `${context.profile.name}-${context.engine}`,
      jobs: options.jobs ?? navigator.hardwareConcurrency,
      ...(remote && { executor: remote }),
      keepGoing: options.keepGoing ?? false,
      signal: abortOnInterrupt(),
      emit,
      ...(only && { only }),
      ...forced(context, options, only),
      ...(files && { results: { folder: context.results, files, complete } }),
    });
    if (files && Object.keys(seconds).length > 0) await recordTimings(context, seconds);
    if (outcome.status === "interrupted" && !options.cache) {
      console.error(
        "Interrupted: what has ended is not kept; the same command without --no-cache would keep it and go on",
      );
    }
    return outcome;
  } finally {
    reporter.close();
    if (!options.cache) await Deno.remove(cache, { recursive: true });
  }
}

/** The cluster that training goes to. @throws UsageError without a cache, which its machines share */
async function cluster({ cache, jobs = SLURM_JOBS }: RunningOptions): Promise<Executor> {
  if (!cache) throw new UsageError("Jobs of a cluster need a cache that its machines share: leave out --no-cache");
  const { SlurmExecutor } = await import("../../src/graph/slurm/executor.ts");
  return new SlurmExecutor({
    slots: jobs,
    modules: MODULES,
    cache,
    isLong: ({ kind }) => LONG_KINDS.includes(kind),
    needsGpu: ({ slot }) => slot === "gpu",
  });
}

/** The steps that will run, as far as can be said before: those that are not fresh. */
async function pendingSteps(
  context: Context,
  options: RunningOptions,
  only: readonly string[] | undefined,
  selected: readonly Step[],
): Promise<readonly Step[]> {
  if (!options.cache) return selected;
  const { states } = await inspect({
    ...targetOf(context, options),
    ...(only && { only }),
    ...forced(context, options, only),
  });
  return selected.filter(({ name }) => states.get(name)?.kind !== "fresh");
}

/** The files that a step reads. */
function filesOf({ inputs }: Step): string[] {
  return Object.values(inputs).flatMap((input) => "file" in input ? [input.file] : []);
}

/** Refuses steps that cannot fit this machine. @throws InputError saying what to do instead */
async function checkMemory(
  context: Context,
  options: RunningOptions,
  selected: readonly Step[],
  pending: () => Promise<readonly Step[]>,
): Promise<void> {
  if (!predicts(context.engine)) return;
  const machine = { total: Deno.systemMemoryInfo().total, jobs: options.jobs ?? navigator.hardwareConcurrency };
  if (surelyFits(selected, context.profile, machine)) return;
  const { Predictor, refuseTooLarge } = await import("./memory.ts"), predictor = new Predictor(context.profile);
  refuseTooLarge(await pending(), predictor, machine);
}

/** What `--force` makes run again: the targets, or everything. */
export function forced(
  { steps }: Context,
  { force }: Pick<RunningOptions, "force">,
  only: readonly string[] | undefined,
): Pick<Target, "force" | "forceDownstream"> {
  return force ? { force: only ?? steps.map(({ name }) => name), forceDownstream: force === "downstream" } : {};
}

/** Wall times live in a file of their own, beside the results and outside their lock: they differ from run to run. */
async function recordTimings(
  { results: folder, steps }: Context,
  seconds: Readonly<Record<string, number>>,
): Promise<void> {
  const path = join(folder, "timings.json");
  const before = await Deno.readTextFile(path).then(JSON.parse).catch(() => ({})) as Record<string, number>;
  const all = { ...before, ...seconds }, names = steps.map(({ name }) => name).filter((name) => name in all).sort();
  const sorted = Object.fromEntries(names.map((name) => [name, all[name]]));
  await writeAtomically(path, `${JSON.stringify(sorted, null, 1)}\n`);
}
