import assert from "node:assert/strict";
import { UsageError } from "../../src/errors.ts";
import { Stream } from "../../src/random/stream.ts";
import { renderTable } from "../../src/render/render_table.ts";
import { rawOf, type Row, type Table } from "../../src/render/table.ts";
import type { Results } from "../results.ts";
import { syntheticResults } from "../testing.ts";
import { TABLE_NAMES, tableNamed } from "./registry.ts";

const make = (name: string, results: Results) => tableNamed(name)(results);

function rowNamed(table: Table, name: string, section = 0): Row {
  const row = table.sections[section]?.rows.find((row) => row.method === name);
  assert.ok(row, `no row ${name}`);
  return row;
}

Deno.test("tableNamed() names the tables there are", () => {
  assert.throws(() => tableNamed("gluee"), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(
      error.message,
      'Unknown table "gluee": expected one of glue, bops, ablation, datasets, hyperparameters',
    );
    return true;
  });
  assert.throws(() => tableNamed("constructor"), UsageError);
});

for (const name of TABLE_NAMES) {
  Deno.test(`Table ${name} has the same bytes for runs in any order`, () => {
    const results = syntheticResults(), runs = new Stream("shuffle").shuffled(results.runs);
    assert.deepEqual(renderTable(make(name, { ...results, runs })), renderTable(make(name, results)));
    assert.equal(make(name, results).name, name);
  });
}

Deno.test("Table glue averages seeds by hand and leaves diverged runs out, saying so", () => {
  const results = syntheticResults(), table = make("glue", results), row = rowNamed(table, "Full fine-tuning");
  const scores = results.runs
    .filter((run) => run.method === "full-ft" && run.task === "rte" && run.seed < 3).map((run) =>
      run.best?.score ?? NaN
    );
  assert.deepEqual(row.rte, { value: ((scores[0] ?? 0) + (scores[1] ?? 0)) / 2, mark: "‡" });
  assert.deepEqual([row["rte.runs"], row["rte.diverged"], row["rte.collapsed"]], [2, 1, 0]);
  assert.match(table.notes.join("\n"), /‡ diverged, .*Full fine-tuning on RTE seed 3 at step 120/);
});

Deno.test("Table glue marks a collapsed run and keeps it in the mean", () => {
  const table = make("glue", syntheticResults()), row = rowNamed(table, "BitFit");
  assert.equal(typeof row.cola === "object" && row.cola?.mark, "†");
  assert.deepEqual([row["cola.runs"], row["cola.collapsed"]], [3, 1]);
  assert.match(table.notes.join("\n"), /† predicts one class .*BitFit on CoLA seed 2\./);
});

Deno.test("Table glue shows the control on a random backbone apart", () => {
  const table = make("glue", syntheticResults());
  assert.match(table.sections[1]?.title ?? "", /untrained backbone/);
  assert.equal(table.sections[1]?.rows.length, 1);
  assert.ok(Number(rawOf(rowNamed(table, "LoRA", 1).average)) < Number(rawOf(rowNamed(table, "LoRA").average)));
});

Deno.test("Table glue leaves the average out where a task has no score", () => {
  const results = syntheticResults();
  const runs = results.runs.filter((run) => !(run.method === "lora" && run.task === "rte"));
  assert.equal(rowNamed(make("glue", { ...results, runs }), "LoRA").average, null);
});

Deno.test("Table glue prints published numbers and differences only where they can be compared", () => {
  assert.equal(make("glue", syntheticResults()).sections.length, 2);
  const table = make("glue", syntheticResults({ comparePublished: true })), [ours, , , gaps] = table.sections;
  assert.equal(table.sections[2]?.title, "Published, DeBERTaV3-base");
  assert.match(table.notes.join("\n"), /Published: AdaLoRA, ICLR 2023 .*2303\.10512/);
  assert.equal(rowNamed(table, "LoRA r = 8", 2).sst2, 0.9495);
  assert.deepEqual(gaps?.rows.map((row) => row.method), ["Full fine-tuning", "BitFit", "LoRA r = 8"]);
  const lora = ours?.rows.find((row) => row.method === "LoRA");
  assert.equal(rowNamed(table, "LoRA r = 8", 3).sst2, Number(lora?.sst2) - 0.9495);
});

Deno.test("Table bops has LoRA save nothing, and B-LoRA what its gates give", () => {
  const table = make("bops", syntheticResults());
  assert.deepEqual(table.sections.map((section) => section.title).slice(0, 2), ["Mean over tasks", "CoLA"]);
  assert.equal(rowNamed(table, "LoRA", 1)["saved.adapted-layers"], 0);
  assert.equal(rowNamed(table, "Full fine-tuning", 1).adapter, 0);
  const saved = Number(rowNamed(table, "B-LoRA (q + ra)")["saved.adapted-layers"]);
  assert.ok(saved > 50 && saved < 90, `${saved}`);
});

Deno.test("Table ablation counts what is not quantized at 32 bits and what has no gates at full rank", () => {
  const table = make("ablation", syntheticResults());
  assert.deepEqual(
    table.sections[0]?.rows.map((row) => [row.method, row.quantization, row.rankAdaptation]),
    [["LoRA", false, false], ["B-LoRA (q)", true, false], ["B-LoRA (ra)", false, true], [
      "B-LoRA (q + ra)",
      true,
      true,
    ]],
  );
  const lora = rowNamed(table, "LoRA"),
    ranks = rowNamed(table, "B-LoRA (ra)"),
    both = rowNamed(table, "B-LoRA (q + ra)");
  assert.deepEqual([lora.rank, lora.weightBits, lora.activationBits, lora.relativeBops], [8, 32, 32, 100]);
  assert.deepEqual([ranks.weightBits, Number(ranks.rank) < 8], [32, true]);
  assert.ok(Number(both.weightBits) < 32 && Number(both.relativeBops) < 100);
});

Deno.test("Table datasets has a row per task and names regression", () => {
  const table = make("datasets", syntheticResults({ tasks: ["cola", "stsb"] }));
  assert.deepEqual(table.sections[0]?.rows.map((row) => [row.task, row.labels]), [["CoLA", 2], [
    "STS-B",
    "regression",
  ]]);
  assert.equal(table.columns.find((column) => column.key === "devMismatched")?.printed, false);
});

Deno.test("Table hyperparameters shows every value of a setting that differs between seeds", () => {
  const results = syntheticResults({ tasks: ["cola"] });
  const runs = results.runs.map((run) => ({ ...run, settings: { ...run.settings, alpha: run.seed } }));
  const rows = make("hyperparameters", { ...results, runs }).sections[0]?.rows;
  assert.equal(rows?.find((row) => row.setting === "alpha")?.cola, "1 / 2 / 3");
  assert.equal(rows?.find((row) => row.setting === "rank")?.cola, 8);
});

Deno.test("Table hyperparameters asks for runs where there are none", () => {
  const results = syntheticResults({ tasks: ["cola"] });
  assert.throws(
    () => make("hyperparameters", { ...results, runs: results.runs.filter((run) => run.method !== "blora") }),
    /Profile "mini" has no run of method "blora" .*deno task reproduce --profile mini/,
  );
});
