/** Gathers the records that a table or a figure reads into what it is made of. */
import type { DebertaConfig } from "../../src/deberta/config.ts";
import type { StepContext } from "../../src/graph/step.ts";
import { findMethod } from "../../src/peft/registry.ts";
import type { RunRecord } from "../../src/training/record.ts";
import { datasetRole, type Facts, runRole } from "../records.ts";
import type { MethodFacts, Resources, Results, Run, Subspace } from "../results.ts";
import { parametersOf, readJson } from "./json.ts";
import type { DatasetFacts } from "./tokenize.ts";

/** A method as print names it. @throws UsageError for an unknown one */
export function methodFacts(name: string): MethodFacts {
  const { label = name, title, reference } = findMethod(name);
  return { name, label, title, reference };
}

/** What an analysis wrote, with the name of its step; null for a step that does not read it. */
async function analysis<T extends { step: string }>(context: StepContext, role: string): Promise<T | null> {
  const input = context.step.inputs[role];
  if (!input || !("step" in input)) return null;
  return { step: input.step, ...await readJson<Omit<T, "step">>(context, role) } as T;
}

/** What a step's inputs say. */
export async function gather(context: StepContext): Promise<Results> {
  const { profile, benchmark, engine, backboneTitle, comparePublished, methods, tasks, ...steps } = parametersOf<Facts>(
    context,
  );
  const config = await readJson<DebertaConfig>(context, "config.json");
  const facts = await Promise.all(tasks.map((task) => readJson<DatasetFacts>(context, datasetRole(task))));
  const records = (names: readonly string[]) =>
    Promise.all(names.map(async (step): Promise<Run> => {
      return { step, ...await readJson<RunRecord>(context, runRole(step)) };
    }));
  const { hidden, ffn, layers, heads, vocabulary, positionBuckets } = config;
  return {
    profile,
    benchmark,
    comparePublished,
    engine,
    backbone: backboneTitle,
    shape: { hidden, ffn, layers, heads, vocab: vocabulary, positionBuckets },
    methods: methods.map(methodFacts),
    runs: await records(steps.runs),
    sizes: await records(steps.sizes),
    extended: await records(steps.extended),
    rankSweep: await records(steps.rankSweep),
    subspace: await analysis<Subspace>(context, "subspace.json"),
    resources: await analysis<Resources>(context, "resources.json"),
    datasets: facts.map(({ majorityScore: _, ...row }) => row),
  };
}
