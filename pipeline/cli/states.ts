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
  const told: object[] = [];
  let pending = 0;
  for (const [step, state] of plan.states) {
    const fresh = state.kind === "fresh", memory = fresh ? null : memoryOf(plan.graph.steps.get(step)!);
    const reason = "reason" in state ? { reason: state.reason } : null;
    if (!fresh) pending++;
    if (json) told.push({ step, state: state.kind, ...reason, ...(memory && { memory_bytes: memory.bytes }) });
    // At once: on a large backbone predictions take a while.
    else if (!fresh) {
      console.log(
        `${state.kind.padEnd(8)} ${step}${reason ? `: ${reason.reason}` : ""}${memory ? `; ${memory.words}` : ""}`,
      );
    }
  }
  console.log(
    json ? JSON.stringify({ steps: told }) : `${plan.states.size - pending} of ${plan.states.size} steps are fresh`,
  );
  return pending > 0;
}
