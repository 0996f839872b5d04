import assert from "node:assert/strict";
import { renderFigure } from "../src/render/figure.ts";
import { type Epoch, type Epochs, mergeEpochs, summarizeSide } from "./epoch.ts";
import { epochFigure, epochTable } from "./epoch_report.ts";

const row = (seconds: number, tokens: number) => ({
  seconds,
  compiling_seconds: 1,
  tokens,
  steps: 4,
  peak_rss_mb: 500,
});
const side = summarizeSide([row(10, 1000), row(40, 1250), row(20, 800)], 60, 750);
const sides = { "native, length buckets": side, "pytorch, padded": { ...side, seconds: 70 } };
const epoch = (task: string, examples = 60): Epoch => ({
  task,
  shape: "xsmall",
  batch: 16,
  examples,
  longest: 256,
  threads: 2,
  sides,
});
const on = (cores: number, ...epochs: Epoch[]): Epochs => ({ machine: { cpu: "a processor", cores }, epochs });

Deno.test("summarizeSide() takes medians, examples per second and the share of padding", () => {
  assert.equal(side.seconds, 20);
  assert.deepEqual(side.seconds_by_round, [10, 40, 20]);
  assert.equal(side.examples_per_second, 3);
  assert.equal(side.padding_share, 0.25);
});

Deno.test("mergeEpochs() replaces a task that was trained again, and drops what another machine measured", () => {
  const saved = on(2, epoch("rte", 8), epoch("cola"));
  assert.deepEqual(mergeEpochs(saved, on(2, epoch("rte"))).all.epochs, [epoch("rte"), epoch("cola")]);
  assert.deepEqual(mergeEpochs(saved, on(4, epoch("rte"))), {
    all: on(4, epoch("rte")),
    dropped: "Dropped what was measured otherwise (cores 2, now 4): cola xsmall",
  });
});

Deno.test("epochTable() and epochFigure() show every task and side", async () => {
  const { svg } = await renderFigure(epochFigure(on(2, epoch("rte"), epoch("cola"))));
  const table = epochTable(on(2, epoch("rte"), epoch("cola")));
  assert.equal(table.split("\n").length, 2 + 4);
  for (const text of ["RTE", "CoLA", "Ours, length buckets", "PyTorch, all padded alike"]) {
    assert.ok(svg.includes(text) && table.includes(text), text);
  }
  assert.ok(svg.includes(">70<"));
});
