/** `deno task why NAME`. */
import { explainChanges } from "../../src/graph/changes.ts";
import { type Plan, resolve as preimageOf, type StepState } from "../../src/graph/plan.ts";
import { Records } from "../../src/graph/records.ts";
import { inspect } from "../../src/graph/reproduce.ts";
import { select } from "../../src/graph/graph.ts";
import type { Manifest } from "../../src/graph/store.ts";
import { type Context, openContext, type PlanningOptions } from "./context.ts";
import { stepNamed, targetOf } from "./states.ts";

/** Says why a step, table, figure or group of steps would run, or why it would not. @throws UsageError for an unknown name */
export async function whyCommand(name: string, options: PlanningOptions): Promise<0> {
  for (const line of await why(await openContext(options), name, options)) console.log(line);
  return 0;
}

/** A cause with the steps that have it in common. */
interface Cause {
  readonly steps: string[];
  readonly words: readonly string[];
}

/**
 * A line for each step that is meant, and then the causes: steps whose inputs are all there and whose outputs are not.
 * @throws UsageError for an unknown name
 */
export async function why(context: Context, name: string, options: PlanningOptions): Promise<string[]> {
  const target = targetOf(context, options), step = stepNamed(context, name);
  const plan = await inspect({ ...target, only: [step] }), records = await Records.open(target.cache, target.scope);
  const meant = [...select(plan.graph, [step])].map((name) => `${name} is ${inWords(plan.states.get(name)!)}`);
  const causes = new Map<string, Cause>();
  for (const [name, state] of plan.states) {
    if (state.kind === "fresh" || (state.key === null && state.kind !== "running")) continue;
    const words = causeOf(name, state, plan, records), key = words.join("\n");
    causes.set(key, { words, steps: [...causes.get(key)?.steps ?? [], name] });
  }
  if (causes.size === 0) return meant;
  return [...meant, "", "What is behind it:", ...[...causes.values()].flatMap(linesOf)];
}

/** What waits for others says for whom; the reasons of the others are among the causes. */
function inWords(state: StepState): string {
  if (state.kind === "fresh") return `fresh: its outputs are in the cache, under fingerprint ${state.key}`;
  return state.kind !== "running" && state.key === null ? `${state.kind}: ${state.reason}` : state.kind;
}

/** All that is known of why a step must run. The plan tells a few changes of a stale step; here are all of them. */
function causeOf(name: string, state: Exclude<StepState, { kind: "fresh" }>, plan: Plan, records: Records): string[] {
  const last = records.get(name);
  if (state.kind === "running") return ["running in another process"];
  if (state.kind === "missing" || !last) return [state.reason];
  const outputsOf = (maker: string) => (plan.states.get(maker) as { outputs: Manifest }).outputs;
  return explainChanges(last.preimage, preimageOf(plan.graph.steps.get(name)!, plan.environment, outputsOf));
}

/** Steps that a line names before it counts the others. */
const NAMED = 3;

function linesOf({ steps, words }: Cause): string[] {
  const more = steps.length - NAMED;
  return [
    `  ${steps.slice(0, NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`,
    ...words.map((word) => `    ${word}`),
  ];
}
