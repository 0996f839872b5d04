/** The eight GLUE tasks as data: labels, metrics, the columns of the official files, and the official sizes. */
import { unknownName } from "../errors.ts";

export const TASK_NAMES = ["cola", "sst2", "mrpc", "qqp", "stsb", "mnli", "qnli", "rte"] as const;
export type TaskName = typeof TASK_NAMES[number];

/** The numbers a task is scored by. `accuracy-mismatched` is MNLI's accuracy on its second development set. */
export type MetricName = "accuracy" | "accuracy-mismatched" | "f1" | "matthews" | "pearson" | "spearman";

/** Where the text and the label stand in a file: a header name, or the position of a column in a file without header. */
export interface Columns {
  readonly header: boolean;
  readonly a: string | number;
  readonly b?: string | number;
  readonly label: string | number;
}

/** The official files of a task. */
export type Files =
  /** An archive with `<folder>/train.tsv` and one file per development split. */
  | {
    readonly kind: "archive";
    readonly archive: string;
    readonly folder: string;
    readonly dev: Record<string, string>;
  }
  /** MRPC: the two Microsoft files, the development rows of the first one being named by their ids. */
  | { readonly kind: "msr"; readonly train: string; readonly test: string; readonly devIds: string };

export interface Task {
  readonly name: TaskName;
  /** The name a table prints. */
  readonly title: string;
  readonly regression: boolean;
  readonly pair: boolean;
  /** Label names in the order of their ids; empty for regression. */
  readonly labels: readonly string[];
  /** How the official files write each label, in the order of the ids. */
  readonly written: readonly string[];
  readonly metrics: readonly MetricName[];
  /** The headline score (the average column) is the mean of these. */
  readonly headline: readonly MetricName[];
  /** Names of the development splits, the one that `accuracy` is counted on first. */
  readonly devSplits: readonly string[];
  readonly columns: Columns;
  readonly files: Files;
  /** Skip rows with missing fields and keep empty texts, instead of refusing the file. */
  readonly tolerant: boolean;
  /** Numbers of examples of the official files. */
  readonly official: { readonly train: number; readonly dev: Readonly<Record<string, number>> };
}

const DEV = ["dev"];
const BINARY = ["0", "1"];
const archive = (file: string, folder: string): Files => ({
  kind: "archive",
  archive: file,
  folder,
  dev: { dev: "dev.tsv" },
});
const classification = { regression: false, pair: true, devSplits: DEV, tolerant: false };

/**
 * The tasks. Label ids are those of the Hugging Face `glue` dataset; sizes are the published ones.
 * Reference: Wang et al. 2019, "GLUE"; huggingface.co/datasets/nyu-mll/glue
 */
export const TASKS: Readonly<Record<TaskName, Task>> = {
  cola: {
    ...classification,
    name: "cola",
    title: "CoLA",
    pair: false,
    labels: ["unacceptable", "acceptable"],
    written: BINARY,
    metrics: ["matthews"],
    headline: ["matthews"],
    columns: { header: false, a: 3, label: 1 },
    files: archive("CoLA.zip", "CoLA"),
    official: { train: 8551, dev: { dev: 1043 } },
  },
  sst2: {
    ...classification,
    name: "sst2",
    title: "SST-2",
    pair: false,
    labels: ["negative", "positive"],
    written: BINARY,
    metrics: ["accuracy"],
    headline: ["accuracy"],
    columns: { header: true, a: "sentence", label: "label" },
    files: archive("SST-2.zip", "SST-2"),
    official: { train: 67349, dev: { dev: 872 } },
  },
  mrpc: {
    ...classification,
    name: "mrpc",
    title: "MRPC",
    labels: ["not_equivalent", "equivalent"],
    written: BINARY,
    metrics: ["accuracy", "f1"],
    headline: ["accuracy"],
    columns: { header: true, a: "#1 String", b: "#2 String", label: "Quality" },
    files: {
      kind: "msr",
      train: "msr_paraphrase_train.txt",
      test: "msr_paraphrase_test.txt",
      devIds: "mrpc_dev_ids.tsv",
    },
    official: { train: 3668, dev: { dev: 408 } },
  },
  qqp: {
    ...classification,
    name: "qqp",
    title: "QQP",
    labels: ["not_duplicate", "duplicate"],
    written: BINARY,
    metrics: ["accuracy", "f1"],
    headline: ["accuracy"],
    columns: { header: true, a: "question1", b: "question2", label: "is_duplicate" },
    files: archive("QQP-clean.zip", "QQP"),
    // Some questions hold line breaks, or nothing. TensorFlow Datasets and Hugging Face drop the torn rows only, and so
    // count 363,846.
    tolerant: true,
    official: { train: 363846, dev: { dev: 40430 } },
  },
  stsb: {
    ...classification,
    name: "stsb",
    title: "STS-B",
    regression: true,
    labels: [],
    written: [],
    metrics: ["pearson", "spearman"],
    headline: ["pearson", "spearman"],
    columns: { header: true, a: "sentence1", b: "sentence2", label: "score" },
    files: archive("STS-B.zip", "STS-B"),
    official: { train: 5749, dev: { dev: 1500 } },
  },
  mnli: {
    ...classification,
    name: "mnli",
    title: "MNLI",
    labels: ["entailment", "neutral", "contradiction"],
    written: ["entailment", "neutral", "contradiction"],
    metrics: ["accuracy", "accuracy-mismatched"],
    headline: ["accuracy", "accuracy-mismatched"],
    devSplits: ["matched", "mismatched"],
    columns: { header: true, a: "sentence1", b: "sentence2", label: "gold_label" },
    files: {
      kind: "archive",
      archive: "MNLI.zip",
      folder: "MNLI",
      dev: { matched: "dev_matched.tsv", mismatched: "dev_mismatched.tsv" },
    },
    official: { train: 392702, dev: { matched: 9815, mismatched: 9832 } },
  },
  qnli: {
    ...classification,
    name: "qnli",
    title: "QNLI",
    labels: ["entailment", "not_entailment"],
    written: ["entailment", "not_entailment"],
    metrics: ["accuracy"],
    headline: ["accuracy"],
    columns: { header: true, a: "question", b: "sentence", label: "label" },
    files: archive("QNLIv2.zip", "QNLI"),
    official: { train: 104743, dev: { dev: 5463 } },
  },
  rte: {
    ...classification,
    name: "rte",
    title: "RTE",
    labels: ["entailment", "not_entailment"],
    written: ["entailment", "not_entailment"],
    metrics: ["accuracy"],
    headline: ["accuracy"],
    columns: { header: true, a: "sentence1", b: "sentence2", label: "label" },
    files: archive("RTE.zip", "RTE"),
    official: { train: 2490, dev: { dev: 277 } },
  },
};

/** Reads a task's name. @throws UsageError if there is no such task */
export function parseTaskName(text: string): TaskName {
  const name = TASK_NAMES.find((known) => known === text);
  if (name === undefined) throw unknownName("task", text, TASK_NAMES);
  return name;
}
