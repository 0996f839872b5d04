/** What methods, tasks and metrics are called in print, and the order in which they appear. */

interface MethodName {
  readonly title: string;
  /** Whether the adapter has a diagonal between A and B. */
  readonly diagonal: boolean;
}

/** Methods in print order: reference points, baselines, then ours. */
const METHODS: Readonly<Record<string, MethodName>> = {
  "full-ft": { title: "Full fine-tuning", diagonal: false },
  "bitfit": { title: "BitFit", diagonal: false },
  "houlsby": { title: "HAdapter", diagonal: false },
  "pfeiffer": { title: "PAdapter", diagonal: false },
  "lora": { title: "LoRA", diagonal: false },
  "dylora": { title: "DyLoRA", diagonal: false },
  "adalora": { title: "AdaLoRA", diagonal: true },
  "blora-q": { title: "B-LoRA (q)", diagonal: false },
  "blora-ra": { title: "B-LoRA (ra)", diagonal: true },
  "blora": { title: "B-LoRA (q + ra)", diagonal: true },
};

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

/** A method's name in print; as typed where it has none. */
export function methodTitle(method: string): string {
  return METHODS[method]?.title ?? method;
}

/** Whether a method's adapter has a diagonal between A and B. */
export function hasDiagonal(method: string): boolean {
  return METHODS[method]?.diagonal ?? false;
}

export function taskTitle(task: string): string {
  return TASKS[task]?.title ?? task;
}

/** The number that stands for a task in tables. */
export function headlineMetric(task: string): string {
  return TASKS[task]?.metric ?? "score";
}

/** Methods in print order; unknown ones last, by name. */
export function inPrintOrder(methods: Iterable<string>): string[] {
  const known = Object.keys(METHODS);
  const place = (method: string) => known.includes(method) ? known.indexOf(method) : known.length;
  return [...new Set(methods)].sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1));
}
