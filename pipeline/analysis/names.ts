/** What methods, tasks and metrics are called in print, and the order in which methods appear. */
import { type TaskName, TASKS } from "../../src/glue/tasks.ts";
import type { Results } from "../results.ts";

const HEADLINES: Readonly<Record<TaskName, string>> = {
  cola: "Matthews",
  sst2: "accuracy",
  mrpc: "accuracy",
  qqp: "accuracy",
  stsb: "mean of Pearson and Spearman",
  mnli: "mean accuracy of matched and mismatched",
  qnli: "accuracy",
  rte: "accuracy",
};

type Methods = Pick<Results, "methods">;

/** A method's name in print; as typed for one that the results do not know. */
export function methodTitle({ methods }: Methods, method: string): string {
  return methods.find(({ name }) => name === method)?.label ?? method;
}

export function taskTitle(task: string): string {
  return TASKS[task as TaskName]?.title ?? task;
}

/** The number that stands for a task in tables. */
export function headlineMetric(task: string): string {
  return HEADLINES[task as TaskName] ?? "score";
}

/** The metrics of a task that has more than the one that stands for it, as records name them. */
export function severalMetrics(task: string): readonly string[] {
  const { metrics = [] } = TASKS[task as TaskName] ?? {};
  return metrics.length > 1 ? metrics : [];
}

/** Methods in print order, each once; unknown ones last, by name. */
export function inPrintOrder({ methods }: Methods, chosen: Iterable<string>): string[] {
  const known = methods.map(({ name }) => name);
  const place = (method: string) => known.includes(method) ? known.indexOf(method) : known.length;
  return [...new Set(chosen)].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}
