/** Writes down every number that tables and figures print, with the steps whose outputs it was made from. */
import type { StepRunner } from "../../src/graph/step.ts";
import { printedColumns, rawOf, type Row, type Section, type Table } from "../../src/render/table.ts";
import type { Figure } from "../../src/render/figure.ts";
import { figureNamed } from "../figures/registry.ts";
import { tableNamed } from "../tables/registry.ts";
import { gather } from "./gather.ts";
import { parametersOf, writeText } from "./json.ts";

/** A quoted number: its raw value, and the place of its sources in the list of all sources. */
export interface QuotedNumber {
  readonly value: number;
  readonly sources: number;
}

export interface Numbers {
  readonly format: 1;
  /** By `table/row/column` or `table/section/row/column`; by `figure/` and what tells the numbers of a figure apart. */
  readonly numbers: Readonly<Record<string, QuotedNumber>>;
  /** Names of steps, or of publications. */
  readonly sources: readonly (readonly string[])[];
}

/**
 * Every printed number of some tables and figures.
 * @throws Error if two numbers cannot be told apart, or one has no source
 */
export function numbersOf(tables: readonly Table[], figures: readonly Figure[] = []): Numbers {
  const numbers: Record<string, QuotedNumber> = {}, sources: string[][] = [], places = new Map<string, number>();
  const placeOf = (names: readonly string[]): number => {
    const sorted = [...new Set(names)].sort(), key = JSON.stringify(sorted);
    if (!places.has(key)) places.set(key, sources.push(sorted) - 1);
    return places.get(key)!;
  };
  const quote = (name: string, value: number, from: readonly string[]) => {
    if (from.length === 0) throw new Error(`The number "${name}" has no source`);
    if (name in numbers) throw new Error(`Two numbers are called "${name}"`);
    numbers[name] = { value, sources: placeOf(from) };
  };
  for (const table of tables) {
    for (const section of table.sections) {
      const names = rowNames(table, section);
      section.rows.forEach((row, i) => {
        for (const { key } of printedColumns(table)) {
          const value = rawOf(row[key]);
          if (typeof value !== "number") continue;
          const name = [table.name, ...(section.title ? [section.title] : []), names[i]!, key].join("/");
          quote(name, value, section.sources?.(i, key) ?? []);
        }
      });
    }
  }
  for (const figure of figures) {
    for (const { name, value, sources } of figure.printed ?? []) quote(`${figure.name}/${name}`, value, sources);
  }
  return { format: 1, numbers, sources };
}

/** What tells the rows of a section apart: the first column, and the second where the first does not suffice. */
function rowNames({ columns }: Table, { rows }: Section): string[] {
  const text = (row: Row, column: number) => String(rawOf(row[columns[column]?.key ?? ""]));
  const first = rows.map((row) => text(row, 0));
  return new Set(first).size === rows.length ? first : rows.map((row) => `${text(row, 0)}, ${text(row, 1)}`);
}

export const run: StepRunner = async (context) => {
  const { tables, figures } = parametersOf<{ tables: string[]; figures: string[] }>(context);
  const results = await gather(context);
  const numbers = numbersOf(
    tables.map((name) => tableNamed(name).make(results)),
    figures.map((name) => figureNamed(name).make(results)),
  );
  writeText(context, "numbers.json", inLines(numbers));
};

/** JSON with a line for each number and each list of sources, so that differences can be read. */
function inLines({ format, numbers, sources }: Numbers): string {
  const lines = (items: readonly string[]) => items.map((item) => `  ${item}`).join(",\n");
  const quoted = Object.entries(numbers).map(([name, number]) => `${JSON.stringify(name)}: ${JSON.stringify(number)}`);
  const listed = sources.map((names) => JSON.stringify(names));
  return `{\n "format": ${format},\n "numbers": {\n${lines(quoted)}\n },\n "sources": [\n${lines(listed)}\n ]\n}\n`;
}
