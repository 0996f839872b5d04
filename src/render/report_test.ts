import assert from "node:assert/strict";
import { renderReport, type Report } from "./report.ts";
import type { Table } from "./table.ts";

const table: Table = {
  name: "scores",
  title: "Scores <b> & more",
  caption: 'Mean of "two"',
  notes: ["† is a > b"],
  columns: [
    { key: "method", title: "Method" },
    { key: "score", title: "Score", unit: "%", factor: 100, decimals: 1 },
    { key: "raw", title: "Raw", printed: false },
  ],
  sections: [
    { rows: [{ method: "<LoRA>", score: { value: 0.5, mark: "†" }, raw: 77 }] },
    { title: "Controls", rows: [{ method: "none", score: null, raw: 78 }] },
  ],
};
const drawing = (name: string) => ({
  figure: { name, title: `Figure ${name}`, caption: "What it shows" },
  svg: `<svg xmlns="http://www.w3.org/2000/svg"><g id="a"/></svg>`,
});
const report: Report = {
  title: "A & B",
  lead: ["Said <first>"],
  tables: [table],
  figures: [drawing("one"), drawing("two")],
};
const html = renderReport(report);

Deno.test("renderReport() closes every element that it opens, in order", () => {
  const open: string[] = [];
  for (const [, end, name] of html.matchAll(/<(\/?)([a-z]\w*)[^>]*>/g)) {
    if (end) assert.equal(open.pop(), name);
    else if (!["meta", "img"].includes(name!)) open.push(name!);
  }
  assert.deepEqual(open, []);
});

Deno.test("renderReport() refers to no other file, runs nothing, and links only to what is there", () => {
  assert.doesNotMatch(html, /<(script|link|iframe|object)|url\(|@import|\son\w+=/i);
  for (const [, source] of html.matchAll(/src="([^"]*)"/g)) assert.match(source!, /^data:image\/svg\+xml;base64,/);
  const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => `#${id}`);
  assert.deepEqual([...html.matchAll(/href="([^"]*)"/g)].map(([, target]) => target), ids);
  assert.deepEqual(ids, ["#table-scores", "#figure-one", "#figure-two"]);
});

Deno.test("renderReport() prints cells as they are read elsewhere, keeps text from being markup, and leaves out raw columns", () => {
  for (
    const said of [
      "<h1>A &amp; B</h1>",
      "<p>Said &lt;first&gt;</p>",
      "<h2>Scores &lt;b&gt; &amp; more</h2>",
      "<p>Mean of &quot;two&quot;</p>",
      '<th scope="col" class="right">Score (%)</th>',
      '<tr><td class="left">&lt;LoRA&gt;</td><td class="right">50.0†</td></tr>',
      '<tr><th scope="rowgroup" colspan="2">Controls</th></tr>',
      '<td class="left">none</td><td class="right">—</td>',
      "<li>† is a &gt; b</li>",
      "tables/scores.md · tables/scores.csv",
    ]
  ) assert.ok(html.includes(said), `no ${said} in\n${html}`);
  assert.doesNotMatch(html, /77|78|Raw/);
});

Deno.test("renderReport() keeps a drawing as it is, and two drawings with the same ids apart", () => {
  const drawings = [...html.matchAll(/base64,([^"]*)"/g)].map(([, text]) => atob(text!));
  assert.deepEqual(drawings, report.figures.map(({ svg }) => svg));
  assert.equal(renderReport(report), html);
});
