/** Gathers the records of all runs into what tables and figures are made of. */
import type { DebertaConfig } from "../../src/deberta/config.ts";
import type { StepRunner } from "../../src/graph/step.ts";
import type { RunRecord } from "../../src/training/record.ts";
import type { Results } from "../results.ts";
import { parametersOf, readJson, writeJson } from "./json.ts";
import type { DatasetFacts } from "./tokenize.ts";

type CollectParameters = {
  readonly profile: string;
  readonly benchmark: string;
  readonly engine: string;
  readonly backboneTitle: string;
  readonly comparePublished: boolean;
};

export const run: StepRunner = async (context) => {
  const { profile, benchmark, engine, backboneTitle, comparePublished } = parametersOf<CollectParameters>(context);
  const roles = Object.keys(context.step.inputs),
    of = (suffix: string) => roles.filter((role) => role.endsWith(suffix));
  const config = await readJson<DebertaConfig>(context, "config.json");
  const facts = await Promise.all(of(":dataset.json").map((role) => readJson<DatasetFacts>(context, role)));
  const runs = await Promise.all(of(":run.json").map((role) => readJson<RunRecord>(context, role)));
  const { hidden, ffn, layers, heads, vocabulary, positionBuckets } = config;
  writeJson(
    context,
    "results.json",
    {
      profile,
      benchmark,
      comparePublished,
      engine,
      backbone: backboneTitle,
      shape: { hidden, ffn, layers, heads, vocab: vocabulary, positionBuckets },
      runs,
      datasets: facts.map(({ majorityScore: _, ...row }) => row),
    } satisfies Results,
  );
};
