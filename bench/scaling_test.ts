import assert from "node:assert/strict";
import { renderFigure } from "../src/render/figure.ts";
import { macsOfStep } from "./arithmetic.ts";
import { BASE, distinctOf, pointsOf, slopesOf } from "./scaling.ts";
import { scalingFigure, scalingTable } from "./scaling_report.ts";

const points = pointsOf();
const measured = points.map(({ dimension, value }) => ({
  dimension,
  value,
  ms_per_step: 2 * value ** 1.5,
  multiply_accumulates: 1000 * value,
}));

Deno.test("pointsOf() varies one dimension at a time from one base point", () => {
  const sizes = points.map(({ rank, shape: { batch, length, config } }) => [
    ...[batch, length, rank, config.layers, config.hidden],
  ]);
  const base = [BASE.batch, BASE.length, BASE.rank, BASE.layers, BASE.hidden];
  for (const size of sizes) assert.ok(size.filter((x, i) => x !== base[i]).length <= 1, `${size}`);
  assert.equal(sizes.filter((size) => size.join() === base.join()).length, 5); // in all five dimensions
  for (const { shape: { config } } of points) assert.equal(config.hidden % config.heads, 0);
});

Deno.test("distinctOf() has every point, and the base point once", () => {
  const distinct = distinctOf(points),
    other = ({ dimension, value }: typeof points[number]) => value !== BASE[dimension];
  assert.deepEqual(distinct.filter(other), points.filter(other));
  assert.equal(distinct.length, points.filter(other).length + 1);
});

Deno.test("slopesOf() fits time and arithmetic of every dimension", () => {
  const dimensions = ["batch", "length", "layers", "hidden", "rank"];
  assert.deepEqual(slopesOf(measured), dimensions.map((dimension) => ({ dimension, time: 1.5, arithmetic: 1 })));
});

Deno.test("macsOfStep() grows as the dimensions say", () => {
  const slopes = Object.fromEntries(
    slopesOf(points.map(({ dimension, value, shape, rank }) => {
      const multiply_accumulates = macsOfStep("lora", shape, false, { rank });
      return { dimension, value, ms_per_step: 1, multiply_accumulates };
    })).map(({ dimension, arithmetic }) => [dimension, arithmetic]),
  );
  const within = { batch: [0.9, 1], length: [1, 2], layers: [1, 1.5], hidden: [1, 2], rank: [0, 0.3] };
  for (const [dimension, [from, to]] of Object.entries(within)) {
    assert.ok(slopes[dimension]! >= from! && slopes[dimension]! <= to!, `${dimension}: ${slopes[dimension]}`);
  }
});

Deno.test("scalingTable() and scalingFigure() show every dimension with its slopes", async () => {
  const result = {
    machine: { cpu: "a processor" },
    threads: 2,
    rounds: 3,
    points: measured,
    slopes: slopesOf(measured),
  };
  const { svg } = await renderFigure(scalingFigure(result));
  const [table, conditions] = scalingTable(result).split("\n\n");
  assert.equal(table!.split("\n").length, 2 + 5);
  assert.match(conditions!, /batch 8, length 64, 4 layers of width 128, rank 8\. Medians of 3 rounds, 2 threads\.$/);
  for (const { dimension } of result.slopes) assert.ok(svg.includes(`>${dimension}<`), dimension);
  assert.ok(svg.includes("slopes 1.50 and 1.00"));
  assert.ok(Number(/ width="(\d+)"/.exec(svg)![1]) <= 620);
});
