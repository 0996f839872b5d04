/** Reads the official GLUE files, archives or plain, into examples. */
import { InputError } from "../errors.ts";
import { unzip } from "./archive.ts";
import { type Files, type Task, type TaskName, TASKS } from "./tasks.ts";
import { parseTsv, type Row } from "./tsv.ts";

/** One labelled sentence, or pair of sentences. The label is a class id, or the score of a regression task. */
export interface Example {
  readonly a: string;
  readonly b?: string;
  readonly label: number;
}

/** The labelled splits of a task; `dev` by the names of `Task.devSplits`. */
export interface TaskData {
  readonly train: Example[];
  readonly dev: Record<string, Example[]>;
}

/**
 * Reads one task.
 * @param files the official files by base name (`CoLA.zip`; `msr_paraphrase_train.txt`), or an archive's files by their
 * name inside it (`CoLA/train.tsv`)
 * @throws InputError naming the file and, where it applies, the line: a file is missing or damaged, a row is malformed,
 * a label is not one of the task's, a split is empty
 */
export async function readTask(name: TaskName, files: Record<string, Uint8Array>): Promise<TaskData> {
  const task = TASKS[name];
  return task.files.kind === "msr" ? readMsr(task, task.files, files) : await readArchive(task, task.files, files);
}

async function readArchive(
  task: Task,
  { archive, folder, dev }: Extract<Files, { kind: "archive" }>,
  files: Record<string, Uint8Array>,
): Promise<TaskData> {
  const path = (file: string) => `${folder}/${file}`;
  const wanted = ["train.tsv", ...Object.values(dev)].map(path);
  const zipped = files[archive];
  const plain = zipped === undefined && wanted.some((name) => name in files);
  const inner = zipped === undefined ? files : await unzip(archive, zipped, wanted);
  const split = (file: string) => {
    const bytes = inner[path(file)] ?? missing(task, plain ? path(file) : archive);
    return examples(task, path(file), parseTsv(path(file), bytes));
  };
  return {
    train: split("train.tsv"),
    dev: Object.fromEntries(Object.entries(dev).map(([name, file]) => [name, split(file)])),
  };
}

/** The test file is read only to be checked: its rows are labelled, but GLUE keeps them for testing. */
function readMsr(
  task: Task,
  { train, test, devIds }: Extract<Files, { kind: "msr" }>,
  files: Record<string, Uint8Array>,
): TaskData {
  const rowsOf = (file: string) => parseTsv(file, files[file] ?? missing(task, file));
  examples(task, test, rowsOf(test));
  const ids = new Map(rowsOf(devIds).map(({ line, cells }) => [cells.join(" "), line]));
  const rows = rowsOf(train);
  const [header, ...body] = rows;
  if (header === undefined) throw new InputError(`Cannot read "${train}": it is empty`);
  const first = column(train, header, "#1 ID"), second = column(train, header, "#2 ID");
  const idOf = ({ cells }: Row) => `${cells[first]} ${cells[second]}`;
  const dev = body.filter((row) => ids.has(idOf(row))), rest = body.filter((row) => !ids.has(idOf(row)));
  const found = new Set(dev.map(idOf));
  for (const [id, line] of ids) {
    if (!found.has(id)) {
      throw new InputError(
        `Cannot read "${devIds}", line ${line}: "${train}" has no pair "${id}", expected the ids of one of its rows`,
      );
    }
  }
  return { train: examples(task, train, [header, ...rest]), dev: { dev: examples(task, train, [header, ...dev]) } };
}

function missing(task: Task, file: string): never {
  throw new InputError(`Cannot read task "${task.name}": file "${file}" is missing; run "deno task fetch"`);
}

function examples(task: Task, file: string, rows: readonly Row[]): Example[] {
  const { header, a, b, label } = task.columns;
  const first = rows[0];
  if (first === undefined) throw new InputError(`Cannot read "${file}": it is empty`);
  const at = {
    a: column(file, first, a),
    b: b === undefined ? undefined : column(file, first, b),
    label: column(file, first, label),
  };
  const width = header ? first.cells.length : Math.max(at.a, at.label) + 1;
  const out: Example[] = [];
  for (const row of header ? rows.slice(1) : rows) {
    if (row.cells.length !== width) {
      if (task.tolerant && row.cells.length < width) continue;
      throw new InputError(
        `Cannot read "${file}", line ${row.line}: the row has ${row.cells.length} columns, expected ${width}`,
      );
    }
    const text = {
      a: textOf(task, file, row, at.a),
      ...(at.b === undefined ? {} : { b: textOf(task, file, row, at.b) }),
    };
    out.push({ ...text, label: labelOf(task, file, row.line, row.cells[at.label] ?? "") });
  }
  if (out.length === 0) {
    throw new InputError(`Cannot read "${file}": the split is empty, expected at least one example`);
  }
  return out;
}

function column(file: string, header: Row, name: string | number): number {
  if (typeof name === "number") return name;
  const index = header.cells.indexOf(name);
  if (index >= 0) return index;
  throw new InputError(`Cannot read "${file}", line 1: the header has no column "${name}"`);
}

function textOf(task: Task, file: string, row: Row, index: number): string {
  const text = row.cells[index] ?? "";
  if (text.trim() !== "" || task.tolerant) return text;
  throw new InputError(`Cannot read "${file}", line ${row.line}: column ${index + 1} is empty`);
}

function labelOf(task: Task, file: string, line: number, text: string): number {
  if (task.regression) {
    const score = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (score >= 0 && score <= 5) return score;
    throw new InputError(`Cannot read "${file}", line ${line}: score "${text}" is not a number from 0 to 5`);
  }
  const id = task.written.indexOf(text);
  if (id >= 0) return id;
  const expected = task.written.join(", ");
  throw new InputError(`Cannot read "${file}", line ${line}: label "${text}" is unknown, expected one of ${expected}`);
}
