/** What methods, tasks and metrics are called in print, and the order in which methods appear. */
import type { Results } from "../results.ts";

const TASKS: Readonly<Record<string, { readonly title: string; readonly metric: string }>> = {
  cola: { title: "CoLA", metric: "Matthews" },
  sst2: { title: "SST-2", metric: "accuracy" },
  mrpc: { title: "MRPC", metric: "accuracy" },
  qqp: { title: "QQP", metric: "accuracy" },
  stsb: { title: "STS-B", metric: "mean of Pearson and Spearman" },
  mnli: { title: "MNLI", metric: "mean accuracy of matched and mismatched" },
  qnli: { title: "QNLI", metric: "accuracy" },
  rte: { title: "RTE", metric: "accuracy" },
};

type Methods = Pick<Results, "methods">;

/** A method's name in print; as typed for one that the results do not know. */
export function methodTitle({ methods }: Methods, method: string): string {
  return methods.find(({ name }) => name === method)?.label ?? method;
}

export function taskTitle(task: string): string {
  return TASKS[task]?.title ?? task;
}

/** The number that stands for a task in tables. */
export function headlineMetric(task: string): string {
  return TASKS[task]?.metric ?? "score";
}

/** Methods in print order, each once; unknown ones last, by name. */
export function inPrintOrder({ methods }: Methods, chosen: Iterable<string>): string[] {
  const known = methods.map(({ name }) => name);
  const place = (method: string) => known.includes(method) ? known.indexOf(method) : known.length;
  return [...new Set(chosen)].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}
