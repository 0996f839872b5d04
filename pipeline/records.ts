/** How a step is given the records that a table or a figure reads; `steps/gather.ts` takes them in. */
import { isMeant } from "../src/graph/graph.ts";
import type { Input, Step } from "../src/graph/step.ts";

/** What such a step is told besides, and the names of the steps whose records it gets. The order of tasks and methods is that of print. */
export type Facts = {
  readonly profile: string;
  readonly benchmark: string;
  readonly engine: string;
  readonly backboneTitle: string;
  readonly comparePublished: boolean;
  readonly tasks: readonly string[];
  readonly methods: readonly string[];
  readonly runs: readonly string[];
  readonly sizes: readonly string[];
  readonly extended: readonly string[];
  readonly rankSweep: readonly string[];
};

/** All records of a profile. */
export interface Recorded {
  readonly facts: Facts;
  readonly config: Input;
  /** By role. */
  readonly analyses: Readonly<Record<string, { readonly step: string; readonly output: string }>>;
}

/** The roles in which records come. */
export const datasetRole = (task: string): string => `${task}:dataset.json`;
export const runRole = (step: string): string => `${step}:run.json`;

/** Whether a step is among those that `reads` means: names, or the first segments of names. */
export function isRead(reads: readonly string[], step: string): boolean {
  return reads.some((target) => isMeant(step, target));
}

/** What a step needs to gather the records of the steps that `reads` means, and no others. */
export function reading(
  { facts, config, analyses }: Recorded,
  reads: readonly string[],
): { readonly facts: Facts; readonly inputs: Step["inputs"] } {
  const kept = (steps: readonly string[]) => steps.filter((step) => isRead(reads, step));
  const own = {
    ...facts,
    tasks: facts.tasks.filter((task) => isRead(reads, `tokenize/${task}`)),
    runs: kept(facts.runs),
    sizes: kept(facts.sizes),
    extended: kept(facts.extended),
    rankSweep: kept(facts.rankSweep),
  };
  const runs = [...own.runs, ...own.sizes, ...own.extended, ...own.rankSweep];
  return {
    facts: own,
    inputs: {
      "config.json": config,
      ...Object.fromEntries(
        own.tasks.map((task) => [datasetRole(task), { step: `tokenize/${task}`, output: "dataset.json" }]),
      ),
      ...Object.fromEntries(runs.map((step) => [runRole(step), { step, output: "run.json" }])),
      ...Object.fromEntries(Object.entries(analyses).filter(([, { step }]) => isRead(reads, step))),
    },
  };
}
