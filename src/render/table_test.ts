import assert from "node:assert/strict";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { csv } from "./csv.ts";
import { canonicalJson } from "./json.ts";
import { escape } from "./latex.ts";
import { renderTable } from "./render_table.ts";
import { type Cell, printNumber, type Table } from "./table.ts";

const table: Table = {
  name: "example",
  title: "Scores & costs",
  caption: "A 50 % caption [choice].",
  notes: ["† collapsed_run"],
  columns: [
    { key: "method", title: "Method" },
    { key: "score", title: "Score", factor: 100, decimals: 1 },
    { key: "share", title: "Share", unit: "%" },
    { key: "sd", title: "sd", printed: false },
  ],
  sections: [
    { rows: [{ method: "LoRA | r", score: { value: 0.8251, mark: "†" }, share: null, sd: 0.012345678901234 }] },
    { title: "Control", rows: [{ method: "yes", score: -0.00001, share: 3, sd: null }] },
  ],
};

Deno.test("renderTable() prints Markdown with marks, absent values, sections and notes", () => {
  assert.equal(
    renderTable(table).md,
    [
      "# Scores & costs",
      "",
      "A 50 % caption \\[choice\\].",
      "",
      "| Method      | Score | Share (%) |",
      "| :---------- | ----: | --------: |",
      "| LoRA \\| r   | 82.5† |         — |",
      "| **Control** |       |           |",
      "| yes         |   0.0 |         3 |",
      "",
      "- † collapsed\\_run",
      "",
    ].join("\n"),
  );
});

Deno.test("renderTable() keeps raw numbers in csv, with the section of each row", () => {
  assert.equal(
    renderTable(table).csv,
    "section,method,score,share,sd\n,LoRA | r,0.8251,,0.012345678901234\nControl,yes,-0.00001,3,\n",
  );
});

Deno.test("renderTable() sets LaTeX with booktabs rules and escaped text", () => {
  const { tex } = renderTable(table);
  for (
    const line of [
      "\\caption{\\textbf{Scores \\& costs.} A 50 \\% caption {[}choice{]}.}",
      "\\begin{tabular}{@{}lrr@{}}",
      "Method & Score & Share (\\%) \\\\",
      "LoRA \\textbar{} r & 82.5\\textsuperscript{\\textdagger} & --- \\\\",
      "\\multicolumn{3}{@{}l}{\\textit{Control}} \\\\",
      "\\par\\smallskip\\footnotesize \\textsuperscript{\\textdagger} collapsed\\_run",
    ]
  ) assert.ok(tex.split("\n").includes(line), `no line ${line} in\n${tex}`);
});

Deno.test("renderTable() writes JSON with raw values and marks", () => {
  const json = JSON.parse(renderTable(table).json);
  assert.deepEqual(json.sections[0].rows[0], {
    method: "LoRA | r",
    score: { mark: "†", value: 0.8251 },
    sd: 0.012345678901234,
    share: null,
  });
});

Deno.test("renderTable() refuses values without a column, twin columns and numbers that are none", () => {
  const [first] = table.columns, section = (row: Record<string, Cell>) => ({ ...table, sections: [{ rows: [row] }] });
  assert.ok(first);
  assert.throws(() => renderTable(section({ other: 1 })), /has a value "other" but no such column/);
  assert.throws(() => renderTable({ ...table, columns: [first, first], sections: [] }), /two columns of one key/);
  assert.throws(() => renderTable(section({ score: NaN })), /A table cannot hold "NaN"/);
});

Deno.test("printNumber() never prints a negative zero and uses a true minus", () => {
  assert.equal(printNumber(-0.04, 1), "0.0");
  assert.equal(printNumber(-0.06, 1), "−0.1");
  assert.equal(printNumber(1234567.891, 2), "1234567.89");
  assert.equal(printNumber(0.1), "0.1");
});

Deno.test("csv() is read back as written", () => {
  const value = fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean());
  fc.assert(fc.property(fc.array(fc.record({ a: value, b: value }), { minLength: 1 }), (records) => {
    const read = parse(csv(["a", "b"], records), { columns: true, skip_empty_lines: false });
    assert.deepEqual(
      read.map((record) => ({ ...(record as object) })),
      records.map(({ a, b }) => ({ a: String(a), b: String(b) })),
    );
  }));
});

Deno.test("canonicalJson() does not depend on the order of keys", () => {
  assert.equal(canonicalJson({ b: 1, a: [0.1, "x"] }), canonicalJson({ a: [0.1, "x"], b: 1 }));
  assert.throws(() => canonicalJson({ a: NaN }));
  assert.throws(() => canonicalJson(undefined), /Only a value/);
});

Deno.test("escape() leaves no bare special character of LaTeX", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    assert.doesNotMatch(escape(text), /(?<!\\)[&%#_]|[~^<>|]/);
  }));
});
