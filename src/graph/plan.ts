import { explainChanges } from "./changes.ts";
import { type Environment, type FileDigest, keyOf, type Preimage, preimageOf, type StepKey } from "./fingerprint.ts";
import { type Graph, needsOf } from "./graph.ts";
import type { Records } from "./records.ts";
import type { Step } from "./step.ts";
import type { Manifest, Store } from "./store.ts";

/**
 * What is known of a step before anything runs. `missing`: there is nothing to compare with, or it is gone; `stale`: it was
 * made in another way. A key is null while an input has yet to be made, since it depends on that input's bytes.
 */
export type StepState =
  | { readonly kind: "fresh"; readonly key: StepKey; readonly preimage: Preimage; readonly outputs: Manifest }
  | { readonly kind: "stale" | "missing"; readonly key: StepKey | null; readonly reason: string }
  | { readonly kind: "running"; readonly key: StepKey | null };

export interface Plan {
  readonly graph: Graph;
  /** In an order in which each step comes after what it needs. */
  readonly states: ReadonlyMap<string, StepState>;
  readonly environment: Environment;
  /** Steps to run even if they are fresh. */
  readonly forced: ReadonlySet<string>;
}

export interface PlanOptions {
  readonly graph: Graph;
  readonly environment: Environment;
  readonly store: Store;
  readonly records: Records;
  /** Names of steps that another process is running. */
  readonly running?: readonly string[];
  /** Names of steps to run even if they are fresh. */
  readonly forced?: ReadonlySet<string>;
}

/** Most changes told of one step. */
const TOLD = 3;

/** Finds the state of every step. @throws InputError if the store cannot be read */
export async function makePlan(options: PlanOptions): Promise<Plan> {
  const { graph, environment, forced = new Set() } = options;
  const pending = new Map<string, Promise<StepState>>();
  for (const step of graph.steps.values()) pending.set(step.name, stateOf(step, options, pending));
  const states = await Promise.all(pending.values());
  return {
    graph,
    states: new Map([...pending.keys()].map((name, i) => [name, states[i] as StepState])),
    environment,
    forced,
  };
}

/**
 * The preimage of a step whose inputs are all there.
 * @param manifestOf what each step it needs left
 */
export function resolve(step: Step, environment: Environment, manifestOf: (name: string) => Manifest): Preimage {
  const digests: Record<string, FileDigest> = {};
  for (const [role, input] of Object.entries(step.inputs)) {
    if ("file" in input) digests[role] = input.digest;
    else digests[role] = (manifestOf(input.step)[input.output] as { digest: FileDigest }).digest;
  }
  return preimageOf(step, digests, environment);
}

async function stateOf(
  step: Step,
  { environment, store, records, running = [], forced = new Set() }: PlanOptions,
  states: ReadonlyMap<string, Promise<StepState>>,
): Promise<StepState> {
  const outputs = new Map<string, Manifest>(), waiting: string[] = [];
  for (const name of needsOf(step)) {
    const state = await states.get(name);
    if (state?.kind === "fresh") outputs.set(name, state.outputs);
    else waiting.push(name);
  }
  const last = records.get(step.name);
  if (waiting.length > 0) {
    if (running.includes(step.name)) return { kind: "running", key: null };
    const reason = `needs ${list(waiting)} first`;
    return { kind: last ? "stale" : "missing", key: null, reason: last ? reason : `never run here, ${reason}` };
  }
  const preimage = resolve(step, environment, (name) => outputs.get(name) as Manifest);
  const key = keyOf(preimage);
  const found = await store.get(key);
  if (found.kind === "hit" && !forced.has(step.name)) return { kind: "fresh", key, preimage, outputs: found.outputs };
  if (running.includes(step.name)) return { kind: "running", key };
  if (found.kind === "hit") return { kind: "stale", key, reason: "asked to run again" };
  if (found.kind === "damaged") {
    return { kind: "missing", key, reason: `its stored output "${found.output}" is missing or damaged` };
  }
  if (!last) return { kind: "missing", key, reason: "never run here" };
  if (last.key === key) return { kind: "missing", key, reason: "its outputs are no longer in the cache" };
  return { kind: "stale", key, reason: list(explainChanges(last.preimage, preimage)) };
}

function list(items: readonly string[]): string {
  const more = items.length - TOLD;
  return items.slice(0, TOLD).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
