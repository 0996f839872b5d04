/** Where measured times may stand: bench/results/ and a section of the README. */
import { fileURLToPath } from "node:url";
import { writeAtomically } from "../src/atomic.ts";
import { type Figure, renderFigure } from "../src/render/figure.ts";

const RESULTS = new URL("./results/", import.meta.url), README = new URL("../README.md", import.meta.url);

/** A comparison as saved, or null. */
export async function readSaved<T>(name: string): Promise<T | null> {
  const text = await Deno.readTextFile(new URL(`${name}.json`, RESULTS)).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  return text === null ? null : JSON.parse(text) as T;
}

/**
 * Writes a comparison as JSON, its picture as SVG and PNG, and its section of the README.
 * @param section Markdown
 */
export async function save(result: unknown, figure: Figure, section: string): Promise<void> {
  const write = (file: string, contents: string | Uint8Array) =>
    writeAtomically(fileURLToPath(new URL(file, RESULTS)), contents);
  const { svg, png } = await renderFigure(figure);
  await write(`${figure.name}.json`, JSON.stringify(result, null, 2) + "\n");
  await write(`${figure.name}.svg`, svg);
  await write(`${figure.name}.png`, png);
  const readme = await Deno.readTextFile(README);
  await writeAtomically(fileURLToPath(README), withSection(readme, figure.name, section));
}

/** A text whose section `<!-- bench:NAME -->` reads as given. @throws Error if it has none */
export function withSection(text: string, name: string, section: string): string {
  const begin = `<!-- bench:${name} -->`, end = `<!-- /bench:${name} -->`;
  const from = text.indexOf(begin), to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md has no section between "${begin}" and "${end}"`);
  return `${text.slice(0, from)}${begin}\n\n${section}\n\n${text.slice(to)}`;
}
