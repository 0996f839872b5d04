/** A table as a value: raw numbers with the way to print them. What becomes of it is up to the other files here. */

/** A raw value with a mark that refers to a note, e.g. a dagger. */
export interface Marked {
  readonly value: number | string | null;
  readonly mark: string;
}

/** `null` is a value that does not exist. */
export type Cell = number | string | boolean | null | Marked;

export interface Column {
  readonly key: string;
  readonly title: string;
  readonly unit?: string;
  /** Left for text and right for numbers, if not given by the first row's value. */
  readonly align?: "left" | "right";
  /** Digits after the point of a printed number; all that there are, if not given. */
  readonly decimals?: number;
  /** Printed number / raw number, e.g. 100 for a share printed in percent; 1 if not given. */
  readonly factor?: number;
  /** False for columns of the csv and json files only. */
  readonly printed?: boolean;
}

export type Row = Readonly<Record<string, Cell>>;

/** Rows that belong together; a title sets them apart from the others. */
export interface Section {
  readonly title?: string;
  readonly rows: readonly Row[];
  /** What a cell's number was made from, by the row's place in the section and the column's key. */
  sources?(row: number, column: string): readonly string[];
}

export interface Table {
  /** As typed on the command line; the stem of the files. */
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly notes: readonly string[];
  readonly columns: readonly Column[];
  readonly sections: readonly Section[];
}

/** What is printed where there is no value. */
export const ABSENT = "—";

/** The value behind a cell, without its mark. @throws RangeError for a number that no file format can hold */
export function rawOf(cell: Cell | undefined): number | string | boolean | null {
  const raw = typeof cell === "object" && cell !== null ? cell.value : cell ?? null;
  if (typeof raw === "number" && !Number.isFinite(raw)) throw new RangeError(`A table cannot hold "${raw}"`);
  return raw;
}

/** A cell as people read it: fixed decimals, a point, no grouping, the mark behind. */
export function printCell(cell: Cell | undefined, column: Column): string {
  const raw = rawOf(cell), mark = typeof cell === "object" && cell !== null ? cell.mark : "";
  if (raw === null) return ABSENT + mark;
  if (typeof raw === "boolean") return (raw ? "yes" : "no") + mark;
  if (typeof raw === "string") return raw + mark;
  return printNumber(raw * (column.factor ?? 1), column.decimals) + mark;
}

/** Fixed decimals without a locale; a rounded-away sign is dropped. */
export function printNumber(value: number, decimals?: number): string {
  const text = decimals === undefined ? String(value) : value.toFixed(decimals);
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text.replace("-", "−");
}

/** The columns that people see. */
export function printedColumns(table: Table): Column[] {
  return table.columns.filter((column) => column.printed ?? true);
}

/** Where a column's cells stand. */
export function alignOf(column: Column, table: Table): "left" | "right" {
  if (column.align) return column.align;
  const first = table.sections.flatMap((section) => section.rows).map((row) => rawOf(row[column.key]))
    .find((raw) => raw !== null);
  return typeof first === "number" ? "right" : "left";
}

/** A column's heading with its unit. */
export function headingOf(column: Column): string {
  return column.unit ? `${column.title} (${column.unit})` : column.title;
}
