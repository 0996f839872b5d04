import assert from "node:assert/strict";
import { UsageError } from "../../src/errors.ts";
import { Stream } from "../../src/random/stream.ts";
import { renderTable } from "../../src/render/render_table.ts";
import { rawOf, type Row, type Table } from "../../src/render/table.ts";
import type { Results } from "../results.ts";
import { numbersOf } from "../steps/numbers.ts";
import { allDiverged, asRead, syntheticResults } from "../testing.ts";
import { TABLE_NAMES, tableNamed } from "./registry.ts";

const make = (name: string, results: Results) => tableNamed(name).make(results);

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
      `Unknown table "gluee": expected one of ${TABLE_NAMES.join(", ")}`,
    );
    return true;
  });
  assert.throws(() => tableNamed("constructor"), UsageError);
});

for (const name of TABLE_NAMES) {
  Deno.test(`Table ${name} has the same bytes for runs in any order`, () => {
    const results = syntheticResults(), shuffled = <T>(runs: readonly T[]) => new Stream("shuffle").shuffled(runs);
    const other: Results = {
      ...results,
      runs: shuffled(results.runs),
      sizes: shuffled(results.sizes),
      extended: shuffled(results.extended),
      rankSweep: shuffled(results.rankSweep),
    };
    assert.deepEqual(renderTable(make(name, other)), renderTable(make(name, results)));
    assert.deepEqual(numbersOf([make(name, other)]), numbersOf([make(name, results)]));
    assert.equal(make(name, results).name, name);
  });

  Deno.test(`Table ${name} sees what it reads and nothing else`, () => {
    for (const results of [syntheticResults(), syntheticResults({ comparePublished: true })]) {
      const table = make(name, results), narrow = make(name, asRead(results, tableNamed(name).reads));
      assert.deepEqual(renderTable(narrow), renderTable(table));
      assert.deepEqual(numbersOf([narrow]), numbersOf([table]));
    }
  });

  Deno.test(`Table ${name} of runs that all diverged has numbers whose sources are those runs`, () => {
    const results = allDiverged(syntheticResults()), table = make(name, results);
    renderTable(table);
    const { sources } = numbersOf([table]);
    assert.ok(sources.every((names) => names.length > 0));
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
  assert.match(table.notes.join("\n"), /† predicts one class .*BitFit on CoLA seed 2;/);
});

Deno.test("Table glue shows the control on a random backbone apart", () => {
  const table = make("glue", syntheticResults());
  assert.match(table.sections[2]?.title ?? "", /untrained backbone/);
  assert.equal(table.sections[2]?.rows.length, 1);
  assert.ok(Number(rawOf(rowNamed(table, "LoRA", 2).average)) < Number(rawOf(rowNamed(table, "LoRA").average)));
});

Deno.test("Table glue leaves the average out where a task has no score", () => {
  const results = syntheticResults();
  const runs = results.runs.filter((run) => !(run.method === "lora" && run.task === "rte"));
  assert.equal(rowNamed(make("glue", { ...results, runs }), "LoRA").average, null);
});

Deno.test("Table glue prints published numbers and differences only where they can be compared", () => {
  assert.equal(make("glue", syntheticResults()).sections.length, 3);
  const table = make("glue", syntheticResults({ comparePublished: true })), [ours, , , , gaps] = table.sections;
  assert.equal(table.sections[3]?.title, "Published, DeBERTaV3-base");
  assert.match(table.notes.join("\n"), /Published: AdaLoRA, ICLR 2023 .*2303\.10512/);
  assert.equal(rowNamed(table, "LoRA r = 8", 3).sst2, 0.9495);
  assert.deepEqual(
    gaps?.rows.map((row) => row.method),
    ["Full fine-tuning", "BitFit", "LoRA r = 8", "AdaLoRA r = 8", "LoRA r = 2"],
  );
  const lora = ours?.rows.find((row) => row.method === "LoRA");
  assert.equal(rowNamed(table, "LoRA r = 8", 4).sst2, Number(lora?.sst2) - 0.9495);
  assert.equal(rowNamed(table, "LoRA r = 2", 4).cola, Number(rowNamed(table, "LoRA r = 2", 1).cola) - 0.6871);
  const source = gaps?.sources?.(4, "cola");
  assert.deepEqual(source?.slice(0, 2), ["sizes/lora-2/cola/seed-1", "sizes/lora-2/cola/seed-2"]);
});

Deno.test("Table glue keeps every metric and the majority's score for the csv and json files, published ones as well", () => {
  const results = syntheticResults({ comparePublished: true }),
    table = make("glue", results),
    row = rowNamed(table, "LoRA");
  const best = results.runs.filter(({ method, task, backbone }) =>
    method === "lora" && task === "qqp" && backbone === "pretrained"
  ).map((run) => run.best!.scores.f1!);
  assert.equal(row["qqp.f1"], (best[0]! + best[1]! + best[2]!) / 3);
  assert.equal(row["qqp.majority"], 0.6725);
  assert.ok(
    Math.abs((Number(row["mnli.accuracy"]) + Number(row["mnli.accuracy-mismatched"])) / 2 - Number(row.mnli)) < 1e-12,
  );
  assert.ok(!("cola.matthews" in row), "the column of the task is that number");
  assert.deepEqual(
    [rowNamed(table, "LoRA r = 8", 3)["qqp.f1"], rowNamed(table, "LoRA r = 8", 4)["qqp.f1"]],
    [0.8938, Number(row["qqp.f1"]) - 0.8938],
  );
  const unprinted = table.columns.filter(({ key }) => /^(qqp|mnli)\.(accuracy|f1|majority)/.test(key));
  assert.deepEqual(unprinted.map(({ printed }) => printed), [false, false, false, false, false, false]);
});

Deno.test("Table glue shows methods at other sizes apart, the largest first, and names them in its notes", () => {
  const results = syntheticResults(), table = make("glue", results), [, others] = table.sections;
  assert.deepEqual(others?.rows.map((row) => row.method), ["LoRA r = 4", "LoRA r = 2"]);
  const scores = results.sizes.filter(({ task, options }) => task === "cola" && options.rank === 2)
    .map(({ best }) => best!.score);
  assert.equal(others?.rows[1]?.cola, (scores[0]! + scores[1]!) / 2);
  assert.deepEqual(others?.sources?.(1, "cola"), ["sizes/lora-2/cola/seed-1", "sizes/lora-2/cola/seed-2"]);
  assert.match(table.notes.join("\n"), /† predicts one class .*LoRA r = 4 on RTE seed 2/);
  const without = make("glue", { ...results, sizes: [] });
  assert.deepEqual(without.sections.map(({ title }) => title), [undefined, table.sections[2]?.title]);
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
  const runs = results.runs.map((run) => ({ ...run, settings: { ...run.settings, batch: run.seed } }));
  const rows = make("hyperparameters", { ...results, runs }).sections[0]?.rows;
  assert.equal(rows?.find((row) => row.setting === "batch")?.cola, "1 / 2 / 3");
  assert.equal(rows?.find((row) => row.setting === "rank")?.cola, 8);
});

Deno.test("Table hyperparameters asks for runs where there are none", () => {
  const results = syntheticResults({ tasks: ["cola"] });
  assert.throws(
    () => make("hyperparameters", { ...results, runs: results.runs.filter((run) => run.method !== "blora") }),
    /Profile "mini" has no run of method "blora", .*: type deno task reproduce --profile mini/,
  );
});

Deno.test("Table extended has the family's own runs, and LoRA and B-LoRA on the same tasks and seeds", () => {
  const results = syntheticResults(), table = make("extended", results), row = rowNamed(table, "DyLoRA");
  assert.equal(row.cola, results.extended.find((run) => run.task === "cola")?.best?.score);
  assert.equal("sst2" in row && !("mrpc" in row), true);
  assert.deepEqual([row.bits, row.relativeBops], [32, 100]);
  const lora = rowNamed(table, "LoRA", 1), first = results.runs.find((run) => run.method === "lora" && run.seed === 1);
  assert.equal(lora.cola, first?.best?.score);
  assert.ok(Number(rowNamed(table, "B-LoRA (q + ra)", 1).bits) < 32);
});

Deno.test("Table baselines gives each method's options and both parameter counts", () => {
  const row = rowNamed(make("baselines", syntheticResults()), "LoRA");
  assert.deepEqual([row.options, row.learningRate], ["rank 8, alpha 16", "0.0005"]);
  assert.equal(Number(row.parametersWithHead) - Number(row.parameters), 64 * 64 + 3 * 64);
  assert.equal(rowNamed(make("baselines", syntheticResults()), "BitFit").options, "none");
  const [, others] = make("baselines", syntheticResults()).sections;
  assert.deepEqual(others?.rows.map((row) => row.options), ["rank 4, alpha 16", "rank 2, alpha 16"]);
});

Deno.test("Table rank-sweep has a row for each choice of matrices and a column for each rank", () => {
  const results = syntheticResults(), [section] = make("rank-sweep", results).sections, [row] = section!.rows;
  assert.deepEqual([section!.title, row!.matrices, section!.rows.length], ["CoLA", "Wq, Wk, Wv", 1]);
  const scores = results.rankSweep.filter((run) => run.options.rank === 4).map((run) => run.best!.score);
  assert.equal(row!.r4, (scores[0]! + scores[1]!) / 2);
  assert.deepEqual(section!.sources!(0, "r4"), ["rank-sweep/qkv-r4/cola/seed-1", "rank-sweep/qkv-r4/cola/seed-2"]);
});

Deno.test("Table subspace divides the update's norm by what of W lies along it", () => {
  const [row] = make("subspace", syntheticResults()).sections[0]!.rows;
  assert.deepEqual([row!.matrix, row!.amplification], ["Wq of layer 1", 4]);
});

Deno.test("Table resources has a row for each choice of matrices, and one for methods that have none", () => {
  const rows = make("resources", syntheticResults()).sections[0]!.rows.map(({ method, modules }) => [method, modules]);
  assert.deepEqual(rows, [
    ["BitFit", "the method's own"],
    ["LoRA", "query and value only"],
    ["LoRA", "all linear modules"],
  ]);
});
