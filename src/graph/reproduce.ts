import { join } from "node:path";
import { UsageError } from "../errors.ts";
import type { Emit, Event } from "./events.ts";
import type { Executor } from "./executor.ts";
import type { Environment } from "./fingerprint.ts";
import { buildGraph, narrow, select } from "./graph.ts";
import { checkWritable, materialize, type Materialized } from "./materialize.ts";
import type { ResultFiles } from "./lock_file.ts";
import { makePlan, type Plan } from "./plan.ts";
import { Records } from "./records.ts";
import { RunLock, whoRuns } from "./run_lock.ts";
import { type Outcome, runPlan } from "./schedule.ts";
import type { Step } from "./step.ts";
import { DamagedOutput, Store } from "./store.ts";
import { WorkerPool } from "./worker_pool.ts";

/** What is to be brought up to date, and from what. */
export interface Target {
  readonly steps: readonly Step[];
  readonly environment: Environment;
  /** Folder of the store. */
  readonly cache: string;
  /** Keeps apart what is remembered of equally named steps: a profile's name. */
  readonly scope: string;
  /** Narrows to these steps and what they need: names, or the first segments of names. */
  readonly only?: readonly string[];
  /** Steps to run even if they are fresh: names, or the first segments of names. */
  readonly force?: readonly string[];
  /** Force what depends on the forced steps, too. */
  readonly forceDownstream?: boolean;
}

export interface ReproduceOptions extends Target {
  /** URL of the module that runs each kind of step. */
  readonly modules: Readonly<Record<string, string>>;
  /** Steps side by side. */
  readonly jobs: number;
  readonly emit: Emit;
  readonly keepGoing?: boolean;
  readonly signal?: AbortSignal;
  /** Where results go; without it they stay in the store. */
  readonly results?: { readonly folder: string; readonly files: ResultFiles; readonly complete: boolean };
  /** Runs the steps instead of this process's Workers. */
  readonly executor?: Executor;
}

export interface Reproduced extends Outcome {
  /** Absent if no results were asked for, or the run was interrupted. */
  readonly results?: Materialized;
}

/**
 * Tells what `reproduce()` would do, and changes nothing.
 * @throws GraphError if the steps do not make a graph
 * @throws UsageError for an unknown name in `only` or `force`
 */
export async function inspect(target: Target): Promise<Plan> {
  const running = (await whoRuns(target.cache))?.steps ?? [];
  const records = await Records.open(target.cache, target.scope);
  return plan(target, new Store(target.cache), records, running);
}

/**
 * Brings steps, and the results made of them, up to date.
 *
 * It may be killed at any time: every step that ended is kept, and the next call goes on from there. A stored output that
 * turns out damaged is made again.
 *
 * @example
 * ```ts ignore
 * const reporter = await chooseReporter({ json: false });
 * const outcome = await reproduce({
 *   steps: paper("mini"),
 *   modules: { finetune: new URL("./steps/finetune.ts", import.meta.url).href },
 *   environment: { common: { deno: Deno.version.deno }, engines: { portable: { "onnxruntime-web": "1.30.0" } } },
 *   cache: ".cache", scope: "mini", jobs: 2, signal: abortOnInterrupt(), emit: (event) => reporter.report(event),
 *   results: { folder: "results/mini", files: { "tables/glue.md": { step: "table/glue", output: "glue.md" } }, complete: true },
 * });
 * Deno.exit({ ok: 0, failed: 1, interrupted: 130 }[outcome.status]); // Exits even if a Worker still computes.
 * ```
 * @throws GraphError if the steps do not make a graph
 * @throws UsageError for an unknown name in `only` or `force`, or a bad number of jobs
 * @throws InputError if another run holds the cache, or if the cache or the results
 *   cannot be written
 */
export async function reproduce(options: ReproduceOptions): Promise<Reproduced> {
  const { cache, jobs, modules, keepGoing = false, signal, results } = options;
  if (!Number.isSafeInteger(jobs) || jobs < 1) {
    throw new UsageError(
      `Could not run "${jobs}" steps side by side: expected a whole number from 1 on, as in --jobs 2`,
    );
  }
  const store = new Store(cache), records = await Records.open(cache, options.scope);
  const executor = options.executor ?? new WorkerPool({ slots: jobs, modules, scratch: join(cache, "scratch") });
  await using session = new Session(cache, options.emit);
  try {
    let target: Target = options;
    for (;;) {
      const current = await plan(target, store, records, []);
      if ([...current.states.values()].some((state) => state.kind !== "fresh")) {
        if (results) await checkWritable(results.folder);
        await session.lock();
      }
      const outcome = await runPlan({
        plan: current,
        store,
        records,
        executor,
        keepGoing,
        emit: session.emit,
        ...(signal ? { signal } : {}),
      });
      if (!results || outcome.status === "interrupted") return outcome;
      try {
        return { ...outcome, results: await materialize({ store, outcome, ...results }) };
      } catch (error) {
        if (!(error instanceof DamagedOutput)) throw error;
        target = await forgetMakers(error, outcome, target, store, session.emit);
      }
    }
  } finally {
    await executor.close();
  }
}

/** Makes the steps run again whose stored output was found damaged. What was forced has run and is not forced twice. */
async function forgetMakers(error: DamagedOutput, outcome: Outcome, target: Target, store: Store, emit: Emit) {
  for (const [step, { key, outputs }] of outcome.steps) {
    if (!Object.values(outputs).some((output) => output.digest === error.digest)) continue;
    emit({ type: "warning", step, message: "its stored outputs are missing or damaged: running it again" });
    await store.forget(key);
  }
  return { ...target, force: [] };
}

function plan(target: Target, store: Store, records: Records, running: readonly string[]): Promise<Plan> {
  const whole = buildGraph(target.steps);
  const graph = target.only?.length ? narrow(whole, target.only) : whole;
  const forced = select(graph, target.force ?? [], target.forceDownstream);
  return makePlan({ graph, environment: target.environment, store, records, running, forced });
}

/** The lock of a run, taken when there is something to run, and the names of what is running, for others to see. */
class Session implements AsyncDisposable {
  readonly #running = new Set<string>();
  #lock: RunLock | null = null;

  constructor(readonly cache: string, readonly report: Emit) {}

  async lock(): Promise<void> {
    this.#lock ??= await RunLock.acquire(this.cache);
  }

  readonly emit = (event: Event): void => {
    this.report(event);
    if (event.type === "started") this.#running.add(event.step);
    else if (event.type !== "finished" && event.type !== "failed" || !this.#running.delete(event.step)) return;
    this.#lock?.announce([...this.#running]);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lock?.[Symbol.asyncDispose]();
  }
}
