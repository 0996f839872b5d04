import assert from "node:assert/strict";
import { FIGURE_NAMES, figureNamed } from "../figures/registry.ts";
import { TABLE_NAMES, tableNamed } from "../tables/registry.ts";
import { printedColumns, rawOf } from "../../src/render/table.ts";
import { syntheticResults } from "../testing.ts";
import { numbersOf } from "./numbers.ts";

Deno.test("numbersOf() gives every number that a figure prints, each with the runs it was made from", () => {
  const results = syntheticResults(), figures = FIGURE_NAMES.map((name) => figureNamed(name).make(results));
  const { numbers, sources } = numbersOf([], figures), from = (key: string) => sources[numbers[key]!.sources];
  const maps = figures.filter(({ name }) => name !== "scheme").flatMap(({ data }) =>
    data.map(({ rank, bits }) => rank ?? bits)
  );
  const named = Object.entries(numbers).filter(([name]) => !name.startsWith("scheme/"));
  assert.deepEqual(named.map(([, { value }]) => value).sort(), maps.sort());
  assert.deepEqual(from("rank-distribution/RTE/3/Wv"), [1, 2, 3].map((seed) => `finetune/blora/rte/seed-${seed}`));
  assert.deepEqual(from("scheme/W0/bits"), ["finetune/blora/cola/seed-1"]);
  const scheme = figures.find(({ name }) => name === "scheme")!, texts = scheme.data.map(({ text }) => text);
  assert.ok(texts.includes(`${numbers["scheme/rank"]!.value} of ${numbers["scheme/largest rank"]!.value} live`));
});

Deno.test("numbersOf() gives every printed number of every table, each with the runs it was made from", () => {
  const results = syntheticResults({ comparePublished: true }),
    tables = TABLE_NAMES.map((name) => tableNamed(name).make(results));
  const { numbers, sources } = numbersOf(tables);
  const printed = tables.flatMap((table) =>
    table.sections.flatMap(({ rows }) => rows.flatMap((row) => printedColumns(table).map(({ key }) => rawOf(row[key]))))
  ).filter((value) => typeof value === "number");
  assert.deepEqual(Object.values(numbers).map(({ value }) => value), printed);
  const from = (key: string) => sources[numbers[key]!.sources];
  assert.deepEqual(from("glue/LoRA/rte"), [1, 2, 3].map((seed) => `finetune/lora/rte/seed-${seed}`));
  // The third seed diverged, and is no part of the mean.
  assert.deepEqual(from("glue/Full fine-tuning/rte"), [1, 2].map((seed) => `finetune/full-ft/rte/seed-${seed}`));
  assert.equal(from("glue/LoRA/average")!.length, 24);
  assert.deepEqual(
    from("glue/Control: the same method on an untrained backbone, seeds 1, 2, 3/LoRA/cola")![0],
    "finetune/lora-on-random/cola/seed-1",
  );
  assert.deepEqual(from("extended/DyLoRA/cola"), ["extended/dylora/cola/seed-1"]);
  assert.deepEqual(from("datasets/CoLA/train"), ["tokenize/cola"]);
  assert.match(from("glue/Published, DeBERTaV3-base/LoRA r = 8/rte")!.join(), /AdaLoRA, ICLR 2023/);
  assert.equal(from("resources/LoRA, all linear modules/macs")!.join(), "resources");
});

Deno.test("numbersOf() refuses a number without a source, and two of one name", () => {
  const table = (sources: readonly string[], ...names: string[]) => ({
    name: "t",
    title: "",
    caption: "",
    notes: [],
    columns: [{ key: "method", title: "Method" }, { key: "n", title: "n" }],
    sections: [{ rows: names.map((method) => ({ method, n: 1 })), sources: () => sources }],
  });
  assert.throws(() => numbersOf([table([], "a")]), /The number "t\/a\/n" has no source/);
  assert.throws(() => numbersOf([table(["s"], "a", "a")]), /Two numbers are called/);
  assert.deepEqual(numbersOf([table(["s", "s"], "a")]), {
    format: 1,
    numbers: { "t/a/n": { value: 1, sources: 0 } },
    sources: [["s"]],
  });
});
