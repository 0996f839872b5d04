import assert from "node:assert/strict";
import type { Numbers } from "./steps/numbers.ts";

const read = (path: string) => Deno.readTextFileSync(new URL(`../${path}`, import.meta.url));
const readme = read("README.md");

/** The rows of the tables in a text, whatever the spaces that line them up. */
function rowsIn(markdown: string): string[][] {
  return markdown.split("\n").filter((line) => line.startsWith("|")).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim().replace(/^(:?)-+(:?)$/, "$1-$2"))
  );
}

Deno.test("README.md shows the main table of results/mini as it is", () => {
  const [, section] = /<!-- results -->([\s\S]*?)<!-- \/results -->/.exec(readme)!;
  assert.deepEqual(rowsIn(section!), rowsIn(read("results/mini/tables/glue.md")));
});

Deno.test("README.md says of the claims what results/mini says", () => {
  const { numbers } = JSON.parse(read("results/mini/numbers.json")) as Numbers;
  const measured = (claim: string) => numbers[`claims/${claim}/measured`]!.value, text = readme.replace(/\s+/g, " ");
  assert.ok(text.includes(`B-LoRA saves ${measured("1").toFixed(1)} % of the bit operations`));
  assert.ok(text.includes(`its score stays ${Math.round(-measured("2"))} points below LoRA's`));
  const verdicts = rowsIn(read("results/mini/tables/claims.md")).map(([key, , verdict]) => [key, verdict]).slice(2);
  const said = [
    ["1", "holds", "as much as the paper says"],
    ["2", "does not hold", '"on par" does not hold'],
    ["3", "holds", "later layers get larger ranks"],
    ["4 rank", "cannot be told", "whether Wv gets a larger rank cannot be told"],
    ["4 bits", "holds", "Wv keeps more bits than Wq and Wk"],
  ];
  assert.deepEqual(verdicts, said.map(([key, verdict]) => [key, verdict]));
  for (const [, , words] of said) assert.ok(text.includes(words!), `README.md does not say: ${words}`);
});
