/** Tab-separated tables as GLUE writes them: UTF-8, no quoting, so a quotation mark is a character like any other. */
import { InputError } from "../errors.ts";

/** A row with the number of its line in the file, counted from 1. */
export interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Splits a file into rows. A byte order mark, carriage returns before line feeds, and an empty last line are dropped;
 * any other line counts, an empty one too.
 * @param file the name that errors print
 * @throws InputError naming the file if it is not UTF-8
 */
export function parseTsv(file: string, bytes: Uint8Array): Row[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(`Cannot read "${file}": it is not UTF-8 text`);
  }
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, i) => ({ line: i + 1, cells: line.replace(/\r$/, "").split("\t") }));
}
