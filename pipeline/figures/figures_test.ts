import assert from "node:assert/strict";
import { InputError, UsageError } from "../../src/errors.ts";
import { Stream } from "../../src/random/stream.ts";
import { renderFigure } from "../../src/render/figure.ts";
import { allDiverged, asRead, syntheticResults } from "../testing.ts";
import { FIGURE_NAMES, figureNamed } from "./registry.ts";

const make = (name: string, results = syntheticResults()) => figureNamed(name).make(results);

Deno.test("figureNamed() names the figures there are", () => {
  assert.throws(
    () => figureNamed("ranks"),
    new UsageError(`Unknown figure "ranks": expected one of ${FIGURE_NAMES.join(", ")}`),
  );
});

for (const name of FIGURE_NAMES) {
  Deno.test(`Figure ${name} has the same bytes for runs in any order, and Vega nothing to complain of`, async () => {
    const results = syntheticResults(), runs = new Stream("shuffle").shuffled(results.runs);
    assert.deepEqual(await renderFigure(make(name, { ...results, runs })), await renderFigure(make(name, results)));
    assert.equal(make(name).name, name);
  });

  Deno.test(`Figure ${name} is at most 600 pixels wide, for few matrices and for all`, async () => {
    const matrices = ["query", "key", "value", "attention-output", "intermediate", "output"] as const;
    for (const results of [syntheticResults(), syntheticResults({ layers: 12, hidden: 768, matrices })]) {
      const { svg } = await renderFigure(make(name, results));
      assert.ok(Number(/ width="(\d+)"/.exec(svg)?.[1]) <= 600, svg.slice(0, 200));
    }
  });

  Deno.test(`Figure ${name} sees what it reads and nothing else`, () => {
    assert.deepEqual(make(name, asRead(syntheticResults(), figureNamed(name).reads)), make(name));
  });

  Deno.test(`Figure ${name} of runs that all diverged says so`, async () => {
    const results = allDiverged(syntheticResults()), figure = make(name, results);
    assert.match(JSON.stringify(figure.data), /Every run of \S+LoRA.* diverged/);
    assert.match((await renderFigure(figure)).svg, /Every run of/);
  });

  Deno.test(`Figure ${name} asks for runs where there are none`, () => {
    assert.throws(() => make(name, { ...syntheticResults(), runs: [] }), InputError);
  });
}

Deno.test("Figure rank-distribution shows the mean over seeds of each matrix of each layer", () => {
  const results = syntheticResults(), { data } = make("rank-distribution", results);
  assert.equal(data.length, 8 * 3 * 3);
  const ranks = results.runs.filter((run) => run.method === "blora" && run.task === "rte")
    .flatMap((run) => run.sites).filter((site) => site.layer === 2 && site.matrix === "value").map((site) => site.rank);
  const shown = data.find((row) => row.task === "RTE" && row.layer === 3 && row.matrix === "Wv");
  assert.equal(shown?.rank, ranks.reduce((a, b) => a + b) / 3);
});

Deno.test("Figure quantization-levels shows a median for each of nine quantizers", () => {
  const { data } = make("quantization-levels", syntheticResults({ tasks: ["cola"] }));
  assert.equal(data.length, 9 * 3);
  assert.ok(data.every((row) => Number(row.bits) >= 2 && Number(row.bits) <= 32 && row.sites === 9));
});

Deno.test("Figure scheme draws as many live ranks and filled boxes as the layer has", () => {
  const results = syntheticResults(), { data } = make("scheme", results);
  const site = results.runs.find((run) => run.method === "blora" && run.task === "cola" && run.seed === 1)?.sites
    .find((site) => site.layer === 2 && site.matrix === "value");
  assert.ok(site);
  const lit = data.filter((row) => row.kind === "lit").length, on = data.filter((row) => row.kind === "on").length;
  assert.equal(on, Object.values(site.bits).reduce((sum, bits) => sum + Math.log2(bits), 0));
  assert.equal(lit, 1 + 3 * site.rank + on);
});
