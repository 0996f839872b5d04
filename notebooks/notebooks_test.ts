import assert from "node:assert/strict";
import { codeOf, type Notebook, NOTEBOOKS, type Output, pathOf, readNotebook, textOf } from "./notebook.ts";
import { runCells } from "./run_cells.ts";
import type { Bundle } from "./show.ts";

const codeCells = ({ cells }: Notebook) => cells.filter((cell) => cell.cell_type === "code");
const outputsOf = (notebook: Notebook): Output[] => codeCells(notebook).flatMap(({ outputs = [] }) => outputs);

/** Contents by MIME type, without pictures, whose pixels follow from the rest. */
const contentsOf = (bundle: Bundle | null | undefined): Bundle | null =>
  bundle
    ? Object.fromEntries(
      Object.entries(bundle).filter(([mime]) => mime !== "image/png").map(([mime, content]) => {
        return [mime, mime.startsWith("text/") ? textOf(content) : content];
      }),
    )
    : null;

/** What is committed as the output of each code cell. */
const committed = (notebook: Notebook) => codeCells(notebook).map(({ outputs }) => contentsOf(outputs![0]?.data));

/** Sizes for a run that shows that every cell works, and nothing else. */
const SMALL = "const SIZE = { corpus: 60, pretraining: 20, train: 32, dev: 32, epochs: 1 };";

Deno.test("the cells of gates-and-quantizers give the outputs that are committed with them", async () => {
  const name = "gates-and-quantizers", notebook = await readNotebook(name);
  assert.deepEqual((await runCells(name, codeOf(notebook))).map(contentsOf), committed(notebook));
});

Deno.test("the cells of adapt-under-a-budget run in order, and show what is committed with them in kind", async () => {
  const name = "adapt-under-a-budget", notebook = await readNotebook(name), cells = codeOf(notebook);
  const small = cells.map((cell) => cell.replace(/^const SIZE = .*$/m, SMALL));
  assert.notDeepEqual(small, cells);
  const kinds = (contents: (Bundle | null)[]) => contents.map((bundle) => Object.keys(bundle ?? {}).sort());
  assert.deepEqual(kinds((await runCells(name, small)).map(contentsOf)), kinds(committed(notebook)));
});

for (const name of NOTEBOOKS) {
  Deno.test(`${name} is small, shows nothing but results, and says nothing of the machine that ran it`, async () => {
    const notebook = await readNotebook(name), text = await Deno.readTextFile(pathOf(name));
    assert.ok(text.length < 300_000, `${text.length} bytes`);
    assert.ok(outputsOf(notebook).length > 0);
    for (const { output_type, data } of outputsOf(notebook)) {
      assert.equal(output_type, "execute_result");
      assert.ok("text/plain" in data!);
    }
    assert.deepEqual(notebook.cells.filter(({ metadata }) => Object.keys(metadata).length > 0), []);
    assert.doesNotMatch(text.replaceAll(/"image\/png": ".*?"/g, ""), /\/(home|root|tmp|usr|Users)\/|file:\/\//);
  });
}
