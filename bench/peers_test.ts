import assert from "node:assert/strict";
import { renderFigure } from "../src/render/figure.ts";
import { type Case, type Comparison, merge, summarize } from "./peers.ts";
import { figureOf, sectionOf, tableOf } from "./peers_report.ts";
import type { Row } from "./request.ts";

const request = { shape: "mini", method: "lora", batch: 16, length: 32, threads: 2, steps: 20 };
const rowsOf = (engine: string, times: readonly number[], peak_rss_mb: number): Row[] =>
  times.map((ms_per_step) => ({ ...request, engine, target: null, ms_per_step, tokens_per_second: 0, peak_rss_mb }));
const rows = { native: rowsOf("native", [10, 30, 11], 200), pytorch: rowsOf("pytorch", [20, 40, 44], 500) };
const lora = summarize(request, rows, 1e9, 50);
const machine = { cpu: "a processor", cores: 2, arch: "x86_64", os: "linux 6", torch: "2.13.0" };
const comparison = (...cases: Case[]): Comparison => ({ machine, cases });

Deno.test("summarize() takes medians of times, and of ratios within rounds", () => {
  assert.equal(lora.sides.native!.ms_per_step, 11);
  assert.equal(lora.sides.pytorch!.ms_per_step, 40);
  assert.deepEqual(lora.ratios, { pytorch: { by_round: [0.5, 0.75, 0.25], median: 0.5 } });
  assert.equal(lora.sides.pytorch!.peak_rss_mb, 500);
  assert.equal(lora.sides.native!.tokens_per_second, 46545); // 512 tokens in 11 ms
  // 2 GFLOP in 40 ms are 50 GFLOP/s: all that the fastest products make.
  assert.equal(lora.sides.pytorch!.ceiling_share, 1);
});

Deno.test("merge() replaces what was measured again, and keeps the rest in the order of shapes, lengths and methods", () => {
  const base = { ...lora, shape: "base" }, long = { ...lora, length: 64 }, bitfit = { ...lora, method: "bitfit" };
  const again = summarize({ ...request, steps: request.steps + 1 }, rows, 1e9, 50);
  const { all, dropped } = merge(comparison(base, bitfit, lora), comparison(long, again));
  assert.equal(dropped, null);
  assert.deepEqual(all.cases, [again, bitfit, long, base]);
  assert.deepEqual(merge(null, comparison(lora)).all.cases, [lora]);
});

Deno.test("merge() holds every case against the fastest products that any run saw", () => {
  const slower = { ...summarize(request, rows, 1e9, 25), shape: "base" };
  assert.equal(slower.sides.pytorch!.ceiling_share, 2);
  const { cases } = merge(comparison(slower), comparison(lora)).all;
  assert.deepEqual(cases.map(({ ceiling_gflops }) => ceiling_gflops), [50, 50]);
  assert.deepEqual(cases.map(({ sides }) => sides.pytorch!.ceiling_share), [1, 1]);
});

Deno.test("merge() drops what another machine measured or other threads, and says so", () => {
  const base = { ...lora, shape: "base" }, other = { machine: { ...machine, cores: 64 }, cases: [base, lora] };
  assert.deepEqual(merge(other, comparison(lora)), {
    all: comparison(lora),
    dropped: "Dropped what was measured otherwise (cores 64, now 2): base lora 16 × 32",
  });
  const single = { ...base, threads: 1 }, kept = { ...lora, method: "bitfit" };
  assert.deepEqual(merge(comparison(single, kept), comparison(lora)), {
    all: comparison(lora, kept),
    dropped: "Dropped what was measured otherwise (threads 1, now 2): base lora 16 × 32",
  });
});

Deno.test("tableOf() leaves a dash where a side was not measured in a case", () => {
  const both = summarize(request, { ...rows, tensorflow: rowsOf("tensorflow", [100, 90, 120], 900) }, 1e9, 50);
  const [heading, , first, second] = tableOf({ cases: [both, { ...lora, method: "bitfit" }] }).split("\n");
  const cells = (line: string) => line.split("|").slice(1, -1).map((cell) => cell.trim());
  const titles = cells(heading!), at = titles.indexOf("TensorFlow.js (ms)");
  assert.deepEqual(cells(first!).slice(at, at + 2), ["100", "0.10×"]);
  assert.deepEqual(cells(second!).slice(at, at + 2), ["—", "—"]);
  assert.equal(
    cells(tableOf({ cases: [lora] }).split("\n")[0]!).some((title) => title.startsWith("TensorFlow")),
    false,
  );
});

Deno.test("figureOf() draws every case and side, with its time", async () => {
  const { svg } = await renderFigure(figureOf(comparison(lora, { ...lora, method: "bitfit", shape: "base" })));
  for (
    const text of ["Ours", "PyTorch", "lora", "bitfit", "mini, 16 × 32", "base, 16 × 32", ">11<", ">40<", "a processor"]
  ) {
    assert.ok(svg.includes(text), text);
  }
  assert.ok(Number(/ width="(\d+)"/.exec(svg)![1]) <= 600);
});

Deno.test("sectionOf() says how often and where it was measured", () => {
  const section = sectionOf(comparison(lora));
  assert.match(section, /Medians of 3 rounds, 2 threads for ours and PyTorch\./);
  const three = summarize(request, { ...rows, tensorflow: rowsOf("tensorflow", [100, 90, 120], 900) }, 1e9, 50);
  assert.match(sectionOf(comparison(three)), /PyTorch; TensorFlow\.js takes every core\./);
  assert.match(section, /a processor, 2 cores, linux 6, x86_64; torch 2\.13\.0/);
});
