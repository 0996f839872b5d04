/** Writes MiniGLUE's items as the official files write theirs. */
import { type Files, type Task, type TaskName, TASKS } from "../tasks.ts";
import type { LabelledItem } from "./generate.ts";

/** The official header lines; mnli's without the parses. */
const HEADERS: Readonly<Record<Exclude<TaskName, "cola" | "mrpc">, string>> = {
  sst2: "sentence label",
  qqp: "id qid1 qid2 question1 question2 is_duplicate",
  stsb: "index genre filename year old_index source1 source2 sentence1 sentence2 score",
  mnli: "index genre sentence1 sentence2 gold_label",
  qnli: "index question sentence label",
  rte: "index sentence1 sentence2 label",
};

/** The path of a development split inside its archive. */
export function devPath(files: Extract<Files, { kind: "archive" }>, split: string): string {
  return `${files.folder}/${files.dev[split]}`;
}

/** One split of a task, other than mrpc, as the text of its file. */
export function formatTsv(name: TaskName, items: readonly LabelledItem[]): string {
  const task = TASKS[name];
  if (name === "cola") return lines(items.map((item) => ["mini", written(task, item), item.label ? "" : "*", item.a]));
  if (name === "mrpc") throw new RangeError("mrpc has files of its own: use formatMsr()");
  const header = HEADERS[name].split(" "), { a, b, label } = task.columns;
  const rows = items.map((item, i) =>
    header.map((column) =>
      column === a ? item.a : column === b ? item.b ?? "" : column === label ? written(task, item) : other(column, i)
    )
  );
  return lines([header, ...rows]);
}

/** MRPC's three files: train and dev in one, dev again as test, since nothing reads its labels, and the ids of dev. */
export function formatMsr(
  files: Extract<Files, { kind: "msr" }>,
  { train = [], dev = [] }: Record<string, LabelledItem[]>,
): Record<string, string> {
  const header = ["\ufeffQuality", "#1 ID", "#2 ID", "#1 String", "#2 String"];
  const ids = (i: number) => [`${2 * i + 1}`, `${2 * i + 2}`];
  const rows = [...dev, ...train].map((item, i) => [written(TASKS.mrpc, item), ...ids(i), item.a, item.b ?? ""]);
  return {
    [files.train]: lines([header, ...rows]),
    [files.test]: lines([header, ...rows.slice(0, dev.length)]),
    [files.devIds]: lines(dev.map((_, i) => ids(i))),
  };
}

function lines(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => cells.join("\t") + "\n").join("");
}

/** A label as the official files write it. */
function written(task: Task, { label }: LabelledItem): string {
  return task.regression ? `${label}` : task.written[label] ?? "";
}

/** What stands in a column that nothing reads. */
function other(column: string, row: number): string {
  return column === "genre" || column.startsWith("source") || column === "filename" || column === "year"
    ? "mini"
    : column === "qid1"
    ? `${2 * row + 1}`
    : column === "qid2"
    ? `${2 * row + 2}`
    : `${row}`;
}
