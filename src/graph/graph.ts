import { UsageError } from "../errors.ts";
import type { Step } from "./step.ts";

/** Steps with every reference resolved, in an order in which each comes after what it needs. */
export interface Graph {
  readonly steps: ReadonlyMap<string, Step>;
}

/** A mistake in the declaration of a pipeline. */
export class GraphError extends Error {
  override readonly name = "GraphError";
}

/** Segments of letters, digits and `. _ = + -`, none of them `.` or `..`. */
const PATH = /^(?!\.{1,2}(\/|$))[\w.=+-]+(\/(?!\.{1,2}(\/|$))[\w.=+-]+)*$/;

/** The steps whose outputs a step reads, each once. */
export function needsOf(step: Step): string[] {
  const names = Object.values(step.inputs).flatMap((input) => "step" in input ? [input.step] : []);
  return [...new Set(names)];
}

/**
 * Checks and orders a pipeline's steps.
 * @throws GraphError for a bad or repeated name, an output that is declared twice, a reference to a step or output that
 *   does not exist, and a cycle
 */
export function buildGraph(steps: readonly Step[]): Graph {
  const byName = new Map<string, Step>();
  for (const step of steps) {
    checkNames(step);
    if (byName.has(step.name)) throw new GraphError(`Two steps are called "${step.name}": names are unique`);
    byName.set(step.name, step);
  }
  for (const step of steps) checkReferences(step, byName);
  return { steps: ordered(byName) };
}

/** Whether a target means a step: it is its name, or the first segments of it. */
export function isMeant(name: string, target: string): boolean {
  return name === target || name.startsWith(`${target}/`);
}

/**
 * The part of a graph that targets need, the targets included.
 * @param targets names of steps, or the first segments of names: `finetune/lora` means all steps below it
 * @throws UsageError for a target that matches no step
 */
export function narrow(graph: Graph, targets: readonly string[]): Graph {
  const kept = new Set<string>();
  const keep = (name: string) => {
    if (kept.has(name)) return;
    kept.add(name);
    needsOf(graph.steps.get(name) as Step).forEach(keep);
  };
  select(graph, targets).forEach(keep);
  return { steps: new Map([...graph.steps].filter(([name]) => kept.has(name))) };
}

/**
 * The names that targets mean, and with `downstream` also the steps that depend on those.
 * @throws UsageError for a target that matches no step
 */
export function select(graph: Graph, targets: readonly string[], downstream = false): Set<string> {
  const chosen = new Set<string>();
  for (const target of targets) {
    const matches = [...graph.steps.keys()].filter((name) => isMeant(name, target));
    if (matches.length === 0) throw unknownTarget(graph, target);
    matches.forEach((name) => chosen.add(name));
  }
  if (downstream) {
    for (const step of graph.steps.values()) if (needsOf(step).some((name) => chosen.has(name))) chosen.add(step.name);
  }
  return chosen;
}

function unknownTarget(graph: Graph, target: string): UsageError {
  const roots = [...new Set([...graph.steps.keys()].map((name) => name.split("/")[0] as string))];
  return new UsageError(
    `Unknown step "${target}": expected the name of a step or the beginning of one, such as ${roots.join(", ")}`,
  );
}

function checkNames(step: Step): void {
  if (!PATH.test(step.name)) {
    throw new GraphError(
      `Bad step name "${step.name}": expected segments of letters, digits and . _ = + - between slashes`,
    );
  }
  if (step.outputs.length === 0) throw new GraphError(`Step "${step.name}" declares no outputs: expected at least one`);
  step.outputs.forEach((output, i) => {
    if (!PATH.test(output)) throw new GraphError(`Step "${step.name}" declares a bad output name "${output}"`);
    if (step.outputs.indexOf(output) !== i) {
      throw new GraphError(`Step "${step.name}" declares output "${output}" twice`);
    }
  });
}

function checkReferences(step: Step, byName: ReadonlyMap<string, Step>): void {
  for (const [role, input] of Object.entries(step.inputs)) {
    if (!("step" in input)) continue;
    const producer = byName.get(input.step);
    if (!producer) throw new GraphError(`Input "${role}" of step "${step.name}" names an unknown step "${input.step}"`);
    if (!producer.outputs.includes(input.output)) {
      throw new GraphError(
        `Input "${role}" of step "${step.name}" names output "${input.output}" of step "${input.step}", which declares ` +
          producer.outputs.join(", "),
      );
    }
  }
}

/** Depth first, so that a step comes right after what it needs; otherwise in the order of declaration. */
function ordered(byName: ReadonlyMap<string, Step>): Map<string, Step> {
  const out = new Map<string, Step>(), path: string[] = [];
  const visit = (name: string) => {
    if (out.has(name)) return;
    if (path.includes(name)) {
      throw new GraphError(`Steps need each other: ${[...path.slice(path.indexOf(name)), name].join(" -> ")}`);
    }
    path.push(name);
    const step = byName.get(name) as Step;
    needsOf(step).forEach(visit);
    path.pop();
    out.set(name, step);
  };
  for (const name of byName.keys()) visit(name);
  return out;
}
