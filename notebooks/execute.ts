/**
 * Runs the notebooks and keeps them with their outputs and without a trace of the machine: `deno run -A notebooks/execute.ts`
 *
 * Jupyter is not needed for that, nor would it do: on its way from Deno's kernel to nbconvert an output is lost now and then.
 */
import { fileURLToPath } from "node:url";
import { writeAtomically } from "../src/atomic.ts";
import { codeOf, type Notebook, NOTEBOOKS, type Output, pathOf, readNotebook } from "./notebook.ts";
import { runCells } from "./run_cells.ts";

async function execute(name: string): Promise<Notebook> {
  const notebook = await readNotebook(name), shown = await runCells(name, codeOf(notebook));
  let count = 0;
  const cells = notebook.cells.map((cell) => {
    if (cell.cell_type !== "code") return { ...cell, metadata: {} };
    const data = shown[count++], execution_count = count;
    const outputs: Output[] = data ? [{ data, execution_count, metadata: {}, output_type: "execute_result" }] : [];
    return { ...cell, execution_count, metadata: {}, outputs };
  });
  const metadata = {
    kernelspec: { display_name: "Deno", language: "typescript", name: "deno" },
    language_info: { file_extension: ".ts", mimetype: "text/x.typescript", name: "typescript" },
  };
  return { ...notebook, cells, metadata };
}

/** Indented as Jupyter does it, but for objects of plain values, such as rows of data: those take a line each. */
function format(notebook: Notebook): string {
  const oneLine = (_: string, inner: string) => `{ ${inner.trim().replace(/\n\s*/g, " ")} }`;
  return JSON.stringify(notebook, null, 1).replace(/\{\n([^{}[\]]*)\n\s*\}/g, oneLine) + "\n";
}

for (const name of NOTEBOOKS) {
  const notebook = await execute(name);
  await writeAtomically(fileURLToPath(pathOf(name)), format(notebook));
  console.log(`Executed notebooks/${name}.ipynb`);
}
