/** Runs the cells of a notebook without Jupyter: in order, as one module, which is what Deno's kernel makes of them. */
import { InputError } from "../src/errors.ts";
import type { Bundle } from "./show.ts";

/** Where a cell's last value is shown. */
const SHOWS = /^(?:await )?show(?:Figure|Table)\(/gm;

/** The cells as a module that prints what they show, as a list with an entry for each cell. */
function moduleOf(cells: readonly string[]): string {
  const body = cells.map((cell, i) => {
    const last = [...cell.matchAll(SHOWS)].at(-1)?.index;
    if (last === undefined) return cell;
    return `${cell.slice(0, last)}shown[${i}] = ${cell.slice(last).replace(/;\s*$/, "")};`;
  });
  return [
    `import type { Shown } from "./show.ts";`,
    `const shown: (Shown | null)[] = Array(${cells.length}).fill(null);`,
    ...body,
    `console.log(JSON.stringify(shown.map((value) => value && value[Symbol.for("Jupyter.display") as keyof Shown]())));`,
  ].join("\n");
}

/**
 * Checks the types of cells and runs them, in a process of their own and in the folder of the notebooks.
 * @param cells the text of the code cells
 * @returns what each cell shows, null for one that shows nothing
 * @throws InputError if a cell fails, with what Deno says
 */
export async function runCells(name: string, cells: readonly string[]): Promise<(Bundle | null)[]> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--check", "-A", "--ext=ts", "-"],
    cwd: new URL(".", import.meta.url),
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(moduleOf(cells)));
  await writer.close();
  const { success, stdout, stderr } = await process.output();
  if (success) return JSON.parse(new TextDecoder().decode(stdout));
  throw new InputError(`Cannot run the cells of "${name}", Deno says: ${new TextDecoder().decode(stderr).trim()}`);
}
