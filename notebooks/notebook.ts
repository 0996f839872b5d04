/** Notebook files, as far as running their cells and keeping their outputs need to know them (nbformat 4.5). */
import type { Bundle } from "./show.ts";

export interface Output {
  readonly output_type: string;
  readonly data?: Bundle;
  readonly execution_count?: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface Cell {
  readonly cell_type: "code" | "markdown";
  readonly id: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Text, which Jupyter splits into lines. */
  readonly source: readonly string[] | string;
  /** Of a code cell. */
  readonly outputs?: readonly Output[];
  readonly execution_count?: number | null;
}

export interface Notebook {
  readonly cells: readonly Cell[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The notebooks, by the names of their files, in the order in which to read them. */
export const NOTEBOOKS = ["gates-and-quantizers", "adapt-under-a-budget"] as const;

export const pathOf = (name: string): URL => new URL(`./${name}.ipynb`, import.meta.url);

export const readNotebook = async (name: string): Promise<Notebook> =>
  JSON.parse(await Deno.readTextFile(pathOf(name)));

/** Text that may have been split into lines. */
export const textOf = (text: unknown): string => Array.isArray(text) ? text.join("") : String(text);

/** The code cells in order, each with its text. */
export const codeOf = ({ cells }: Notebook): string[] =>
  cells.filter((cell) => cell.cell_type === "code").map(({ source }) => textOf(source));
