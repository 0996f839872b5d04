/** Shows the state of every step of a plan. */
import { UsageError } from "../../src/errors.ts";
import type { Plan } from "../../src/graph/plan.ts";
import type { Step } from "../../src/graph/step.ts";
import type { Target } from "../../src/graph/reproduce.ts";
import type { Context, PlanningOptions } from "./context.ts";

export function targetOf(context: Context, options: Pick<PlanningOptions, "cache">): Target {
  if (!options.cache) throw new UsageError("Without a cache there is no state to show: leave out --no-cache");
  const { steps, environment, profile, engine } = context;
  return { steps, environment, cache: options.cache, scope: `${profile.name}-${engine}` };
}

/** The step that is meant: a table or a figure may be asked for by its name alone. */
export function stepNamed({ steps }: Context, name: string): string {
  const known = new Set(steps.map((step) => step.name));
  return [`table/${name}`, `figure/${name}`].find((step) => known.has(step)) ?? name;
}

/**
 * Prints one line per step that is not fresh, and the sum.
 * @param memoryOf bytes that a step is predicted to take, and the words for them
 * @returns whether any work is pending
 */
export function printStates(
  plan: Plan,
  json: boolean,
  memoryOf: (step: Step) => { readonly bytes: number; readonly words: string } | null = () => null,
): boolean {
  const states = [...plan.states].map(([name, state]) => ({
    step: name,
    state: state.kind,
    ...("reason" in state && { reason: state.reason }),
    memory: state.kind === "fresh" ? null : memoryOf(plan.graph.steps.get(name)!),
  }));
  const pending = states.filter(({ state }) => state !== "fresh");
  if (json) {
    const plain = states.map(({ memory, ...state }) => ({ ...state, ...(memory && { memory_bytes: memory.bytes }) }));
    console.log(JSON.stringify({ steps: plain }));
    return pending.length > 0;
  }
  for (const { step, state, reason, memory } of pending) {
    console.log(`${state.padEnd(8)} ${step}${reason ? `: ${reason}` : ""}${memory ? `; ${memory.words}` : ""}`);
  }
  console.log(`${states.length - pending.length} of ${states.length} steps are fresh`);
  return pending.length > 0;
}
