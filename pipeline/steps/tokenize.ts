/** Reads a task's files, turns its examples into ids, and counts them. */
import { majorityScore } from "../../src/glue/metrics.ts";
import { type Example, readTask } from "../../src/glue/read.ts";
import { parseTaskName, TASKS } from "../../src/glue/tasks.ts";
import type { StepRunner } from "../../src/graph/step.ts";
import { encodePair } from "../../src/tokenizer/tokenizer.ts";
import type { EncodedExample } from "../../src/training/batches.ts";
import type { DatasetRow } from "../results.ts";
import { parametersOf, writeJson } from "./json.ts";
import { taskFiles } from "./task_files.ts";
import { openTokenizer } from "./vocabulary.ts";

export interface EncodedTask {
  readonly train: readonly EncodedExample[];
  readonly dev: Readonly<Record<string, readonly EncodedExample[]>>;
}

/** A row of the table of datasets, and what a run needs to know of its task besides. */
export interface DatasetFacts extends DatasetRow {
  readonly majorityScore: number;
}

export const run: StepRunner = async (context) => {
  const { task: name, maxLength, source } = parametersOf<{ task: string; maxLength: number; source: string }>(context);
  const task = parseTaskName(name), tokenizer = await openTokenizer(context);
  const data = await readTask(task, await taskFiles(context, task));
  const encode = ({ a, b, label }: Example): EncodedExample => ({ ids: encodePair(tokenizer, a, b, maxLength), label });
  const dev = Object.fromEntries(Object.entries(data.dev).map(([split, examples]) => [split, examples.map(encode)]));
  writeJson(context, "examples.json", { train: data.train.map(encode), dev } satisfies EncodedTask);

  const { devSplits, labels, regression } = TASKS[task], [first, second] = devSplits;
  const examples = dev[first!]!, lengths = Object.values(dev).flat().map(({ ids }) => ids.length);
  const counts = labels.map((_, id) => examples.filter(({ label }) => label === id).length);
  const facts: DatasetFacts = {
    task,
    train: data.train.length,
    dev: examples.length,
    devMismatched: second === undefined ? null : dev[second]!.length,
    labels: regression ? null : labels.length,
    meanLength: lengths.reduce((sum, n) => sum + n, 0) / lengths.length,
    majorityShare: regression ? null : Math.max(...counts) / examples.length,
    source,
    majorityScore: majorityScore(task, data),
  };
  writeJson(context, "dataset.json", facts);
};
