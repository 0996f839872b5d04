import { InputError } from "../errors.ts";
import type { Done, Emit } from "./events.ts";
import { type Executor, StepFailure } from "./executor.ts";
import { keyOf, type StepKey } from "./fingerprint.ts";
import { type Graph, needsOf } from "./graph.ts";
import { type Plan, resolve } from "./plan.ts";
import type { Records } from "./records.ts";
import { runStep } from "./run_step.ts";
import type { Step } from "./step.ts";
import type { Manifest, Store } from "./store.ts";

export interface RunOptions {
  readonly plan: Plan;
  readonly store: Store;
  readonly records: Records;
  readonly executor: Executor;
  readonly emit: Emit;
  /** After a failure, run what does not depend on it. */
  readonly keepGoing?: boolean;
  /** Stops the run. What has ended by then stays. */
  readonly signal?: AbortSignal;
}

/** What became of a plan. */
export interface Outcome extends Pick<Done, "status" | "failed" | "skipped"> {
  /** Of the steps that are up to date now. */
  readonly steps: ReadonlyMap<string, { readonly key: StepKey; readonly outputs: Manifest }>;
}

/** How often one step is made again because its stored outputs turned out damaged, before the disk is blamed. */
const REPAIRS = 2;

/** Runs what is not fresh in a plan, as much side by side as the executor takes. Results do not depend on the order. */
export function runPlan(options: RunOptions): Promise<Outcome> {
  return new Run(options).run();
}

class Run {
  readonly #options: RunOptions;
  readonly #steps = new Map<string, { key: StepKey; outputs: Manifest }>();
  readonly #pending: Set<string>;
  readonly #running = new Map<string, Promise<void>>();
  readonly #forced: Set<string>;
  readonly #repairs = new Map<string, number>();
  /** Keys of steps whose inputs are there, by name, and of those that are running. */
  readonly #keys = new Map<string, StepKey>();
  readonly #runningKeys = new Set<StepKey>();
  /** The failed step that is to blame for each step that did not run, itself included. */
  readonly #blame = new Map<string, string>();
  readonly #failed: string[] = [];
  #computed = 0;
  #cached = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#forced = new Set(options.plan.forced);
    this.#pending = new Set(options.plan.graph.steps.keys());
  }

  async run(): Promise<Outcome> {
    const { signal, executor, emit } = this.#options, begun = performance.now();
    const stop = () => void executor.close();
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    this.#takeFresh();
    const urgency = urgencies(this.#options.plan.graph);
    for (;;) {
      for (let step = this.#next(urgency); step; step = this.#next(urgency)) this.#start(step);
      if (this.#running.size === 0) break;
      await Promise.race(this.#running.values());
    }
    signal?.removeEventListener("abort", stop);
    await this.#saveRecords();
    const status = signal?.aborted ? "interrupted" : this.#failed.length > 0 ? "failed" : "ok";
    const skipped = status === "failed" ? this.#skipRest() : [];
    const failed = this.#failed, seconds = (performance.now() - begun) / 1000;
    emit({ type: "done", status, computed: this.#computed, cached: this.#cached, failed, skipped, seconds });
    return { status, failed, skipped, steps: this.#steps };
  }

  #takeFresh(): void {
    const { plan: { graph, states }, executor, emit, records } = this.#options;
    const waiting = [...graph.steps.values()].filter((step) => states.get(step.name)?.kind !== "fresh");
    const pending = Object.fromEntries(waiting.map((step) => [step.name, step.seconds ?? 1]));
    const total = graph.steps.size;
    emit({ type: "planned", total, fresh: total - waiting.length, pending, slots: executor.slots });
    for (const [step, state] of states) {
      if (state.kind !== "fresh") continue;
      this.#finish(step, state.key, state.outputs);
      records.set(step, { key: state.key, preimage: state.preimage });
      this.#cached++;
      emit({ type: "finished", step, how: "cached", key: state.key, seconds: 0 });
    }
  }

  /** The most urgent step that can start, or one half as urgent at least that a waiting worker is warm for. */
  #next(urgency: ReadonlyMap<Step, number>): Step | undefined {
    const ready = [...urgency.keys()].filter((step) => this.#mayStart(step)), most = ready[0];
    const warm = this.#options.executor.warm?.();
    if (!most || !warm) return most;
    const urgent = ready.filter((step) => urgency.get(step)! * 2 >= urgency.get(most)!);
    return urgent.find(({ affinity }) => affinity !== undefined && warm.idle.has(affinity)) ??
      urgent.find(({ affinity }) => affinity === undefined || !warm.busy.has(affinity)) ?? most;
  }

  #mayStart(step: Step): boolean {
    const { executor, keepGoing, signal } = this.#options;
    if (signal?.aborted || (this.#failed.length > 0 && !keepGoing)) return false;
    if (this.#running.size >= executor.slots || !this.#pending.has(step.name) || this.#running.has(step.name)) {
      return false;
    }
    // What a running step of the same key leaves will be this one's, too.
    return !this.#isTaken(step.slot) && needsOf(step).every((name) => this.#steps.has(name)) &&
      !this.#runningKeys.has(this.#keyOf(step));
  }

  #keyOf(step: Step): StepKey {
    const known = this.#keys.get(step.name);
    if (known) return known;
    const key = keyOf(resolve(step, this.#options.plan.environment, (name) => this.#manifestOf(name)));
    this.#keys.set(step.name, key);
    return key;
  }

  #manifestOf(step: string): Manifest {
    return (this.#steps.get(step) as { outputs: Manifest }).outputs;
  }

  #isTaken(slot: string | undefined): boolean {
    const { plan: { graph: { steps } }, executor: { sharesMachine = true } } = this.#options;
    return sharesMachine && slot !== undefined && this.#running.keys().some((name) => steps.get(name)?.slot === slot);
  }

  #start(step: Step): void {
    const key = this.#keyOf(step);
    const promise = this.#runOne(step).catch((error) => this.#fail(step, error)).finally(() => {
      this.#running.delete(step.name);
      this.#runningKeys.delete(key);
    });
    this.#running.set(step.name, promise);
    this.#runningKeys.add(key);
  }

  async #runOne(step: Step): Promise<void> {
    const { plan, store, executor, emit, records } = this.#options;
    const manifestOf = (name: string) => this.#manifestOf(name);
    const force = this.#forced.has(step.name);
    const result = await runStep(step, { plan, store, executor, emit, force, manifestOf });
    if (result.kind === "damaged") return await this.#repair(result.producers);
    const { how, key, seconds } = result;
    this.#forced.delete(step.name);
    this.#finish(step.name, key, result.outputs);
    records.set(step.name, { key, preimage: result.preimage });
    if (how === "computed") await this.#saveRecords();
    how === "computed" ? this.#computed++ : this.#cached++;
    emit({ type: "finished", step: step.name, how, key, seconds });
  }

  #finish(step: string, key: StepKey, outputs: Manifest): void {
    this.#pending.delete(step);
    this.#steps.set(step, { key, outputs });
  }

  /** A step is done whether or not its record can be kept. */
  async #saveRecords(): Promise<void> {
    try {
      await this.#options.records.save();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#options.emit({ type: "warning", message: error.message });
    }
  }

  /** Puts steps back whose stored outputs could not be read; who asked for them stays pending. */
  async #repair(producers: readonly string[]): Promise<void> {
    const { emit, store } = this.#options;
    for (const step of producers) {
      const repairs = (this.#repairs.get(step) ?? 0) + 1;
      if (repairs > REPAIRS) {
        throw new StepFailure(`The stored outputs of step "${step}" keep getting damaged: check the disk`);
      }
      const known = this.#steps.get(step);
      if (!known) continue; // Another step came upon the same damage and put it back already.
      this.#repairs.set(step, repairs);
      emit({ type: "warning", step, message: "its stored outputs are missing or damaged: running it again" });
      await store.forget(known.key);
      this.#steps.delete(step);
      this.#keys.clear();
      this.#pending.add(step);
    }
  }

  #fail(step: Step, error: unknown): void {
    if (this.#options.signal?.aborted) return;
    this.#pending.delete(step.name);
    this.#failed.push(step.name);
    this.#blame.set(step.name, step.name);
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    const trace = error instanceof StepFailure ? error.trace : name.endsWith("InputError") ? undefined : stack;
    this.#options.emit({ type: "failed", step: step.name, message, ...(trace === undefined ? {} : { trace }) });
  }

  #skipRest(): string[] {
    const skipped: string[] = [];
    for (const step of this.#options.plan.graph.steps.values()) {
      if (!this.#pending.has(step.name)) continue;
      const guilty = needsOf(step).map((name) => this.#blame.get(name)).find((name) => name !== undefined);
      if (guilty !== undefined) this.#blame.set(step.name, guilty);
      const because = guilty
        ? `it needs "${guilty}", which failed`
        : `the run stopped when "${this.#failed[0]}" failed`;
      skipped.push(step.name);
      this.#options.emit({ type: "skipped", step: step.name, because });
    }
    return skipped;
  }
}

/** Steps with the expected cost of the longest chain that begins with each, the longest first; equals as declared. */
function urgencies(graph: Graph): Map<Step, number> {
  const cost = new Map<string, number>(), steps = [...graph.steps.values()];
  for (const step of steps.toReversed()) {
    const own = (cost.get(step.name) ?? 0) + (step.seconds ?? 1);
    cost.set(step.name, own);
    for (const name of needsOf(step)) cost.set(name, Math.max(cost.get(name) ?? 0, own));
  }
  const sorted = steps.sort((a, b) => (cost.get(b.name) as number) - (cost.get(a.name) as number));
  return new Map(sorted.map((step) => [step, cost.get(step.name) as number]));
}
