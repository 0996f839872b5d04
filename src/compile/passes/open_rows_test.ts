import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { runGraph } from "../../engines/testing.ts";
import { float32 } from "../../tensor/host_tensor.ts";
import { fuseProducts } from "./fuse.ts";
import { dropClosedRows, keepAllRows, looseAxes } from "./open_rows.ts";
import { graphOf, operators } from "./testing.ts";

const openRows = (mixture: tf.Tensor) => tf.engine().runKernel("OpenRows", { mixture }) as tf.Tensor;
const weight = fc.oneof(fc.constant(0), fc.constant(-0), fc.double({ min: -2, max: 2, noNaN: true }).map(Math.fround));
/** A stack of two rows of five weights, of which none need be open. */
const stack = fc.oneof(fc.constant(new Array(10).fill(0)), fc.tuple(...Array.from({ length: 10 }, () => weight)));

Deno.test("dropClosedRows() picks the weights that are not zero, in order, in as many rows as the fullest needs", async () => {
  const graph = dropClosedRows(graphOf({ weights: [2, 1, 5] }, ({ weights }) => ({ rows: openRows(weights!) })));
  await fc.assert(
    fc.asyncProperty(stack, async (weights) => {
      const { rows } = await runGraph(graph, { weights: float32([2, 1, 5], weights) });
      const open = [0, 1].map((g) => [0, 1, 2, 3, 4].filter((k) => weights[5 * g + k] !== 0));
      const count = Math.max(...open.map(({ length }) => length));
      const expected = open.map((places) => {
        return Array.from({ length: count }, (_, j) => [0, 1, 2, 3, 4].map((k) => k === places[j] ? 1 : 0));
      });
      assert.deepEqual([...rows!.shape], [2, count, 5]);
      assert.deepEqual([...rows!.data], expected.flat(2));
    }),
    { numRuns: 50 },
  );
});

Deno.test("dropClosedRows() picks a single row's weights as it does those of a stack", async () => {
  const graph = dropClosedRows(graphOf({ weights: [1, 1, 5] }, ({ weights }) => ({ rows: openRows(weights!) })));
  await fc.assert(
    fc.asyncProperty(stack, async (weights) => {
      const { rows } = await runGraph(graph, { weights: float32([1, 1, 5], weights.slice(0, 5)) });
      const open = [0, 1, 2, 3, 4].filter((k) => weights[k] !== 0);
      assert.deepEqual([...rows!.shape], [1, open.length, 5]);
      assert.deepEqual([...rows!.data], open.flatMap((place) => [0, 1, 2, 3, 4].map((k) => k === place ? 1 : 0)));
    }),
    { numRuns: 50 },
  );
});

for (const groups of [1, 2]) {
  Deno.test(`dropClosedRows() keeps one row of ${groups} where all are zeros, if it is told to, and no more otherwise`, async () => {
    const graph = graphOf({ weights: [groups, 1, 5] }, ({ weights }) => ({ rows: openRows(weights!) }));
    const [least, none] = [dropClosedRows(graph, { keepsOne: true }), dropClosedRows(graph)];
    const shapeOf = async (from: typeof graph, weights: number[]) => {
      return (await runGraph(from, { weights: float32([groups, 1, 5], weights) })).rows!.shape;
    };
    await fc.assert(
      fc.asyncProperty(stack, async (weights) => {
        const given = weights.slice(0, 5 * groups), [, count] = await shapeOf(none, given);
        assert.deepEqual(await shapeOf(least, given), [groups, Math.max(1, count!), 5]);
      }),
      { numRuns: 50 },
    );
  });
}

Deno.test("looseAxes() follows a single row's weights, too", () => {
  const graph = dropClosedRows(graphOf({ weights: [1, 1, 4], x: [3, 1, 9] }, ({ weights, x }) => {
    const rows = openRows(weights!), levels = tf.mul(x!, tf.matMul(rows, tf.ones([1, 4, 1])));
    return { rows, levels, sums: tf.matMul(x!, levels, false, true) };
  }));
  const loose = looseAxes(graph);
  const axes = Object.entries(graph.outputs).map(([name, value]) => [name, [...loose.get(value) ?? []]]);
  assert.deepEqual(Object.fromEntries(axes), { rows: [-2], levels: [-2], sums: [-1] });
});

Deno.test("keepAllRows() puts the other operand in the place of a product with the rows, whichever side they are on", () => {
  const graph = keepAllRows(
    graphOf({ weights: [2, 1, 5], column: [2, 5, 1], shared: [1, 5, 1] }, ({ weights, column, shared }) => {
      const rows = openRows(weights!);
      return {
        right: tf.matMul(weights!, rows, false, true),
        left: tf.matMul(rows, column!),
        spread: tf.matMul(rows, shared!),
      };
    }),
  );
  assert.deepEqual(graph.nodes.map(({ op }) => op), ["Expand"]);
  assert.equal(graph.outputs.right, graph.inputs.weights);
  assert.equal(graph.outputs.left, graph.inputs.column);
});

Deno.test("keepAllRows() leaves other products alone", () => {
  const graph = graphOf({ a: [2, 3, 4], b: [2, 4, 3] }, ({ a, b }) => ({ y: tf.matMul(a!, b!) }));
  assert.deepEqual(operators(keepAllRows(graph)), ["FusedMatMul"]);
});

Deno.test("keepAllRows() does not drop what a product does besides picking rows", () => {
  const graph = graphOf({ weights: [2, 1, 5], row: [2, 1, 5] }, ({ weights, row }) => ({
    transposed: tf.matMul(openRows(weights!), row!, false, true),
    scaled: tf.mul(tf.matMul(row!, openRows(weights!)), 3),
  }));
  assert.deepEqual(operators(keepAllRows(fuseProducts(graph))), ["OpenRows", "FusedMatMul", "OpenRows", "FusedMatMul"]);
});

Deno.test("looseAxes() follows rows that may be left out until a product sums over them", () => {
  const graph = dropClosedRows(
    graphOf({ weights: [2, 1, 4], ratios: [1, 4, 1], x: [2, 1, 9] }, ({ weights, ratios, x }) => {
      const rows = openRows(weights!), levels = tf.mul(x!, tf.matMul(rows, ratios!)), all = tf.concat([x!, levels], 1);
      const sums = tf.matMul(x!, all, false, true);
      return {
        rows,
        levels,
        all,
        mixed: tf.matMul(tf.matMul(weights!, rows, false, true), levels),
        sums,
        first: tf.slice(sums, [0, 0, 0], [2, 1, 1]),
        rest: tf.slice(sums, [0, 0, 1], [2, 1, 4]),
        flat: tf.reshape(levels, [-1]),
      };
    }),
  );
  const loose = looseAxes(graph);
  const axes = Object.entries(graph.outputs).map(([name, value]) => [name, [...loose.get(value) ?? []]]);
  assert.deepEqual(Object.fromEntries(axes), {
    rows: [-2],
    levels: [-2],
    all: [-2],
    mixed: [],
    sums: [-1],
    first: [],
    rest: [-1],
    flat: [-1],
  });
});
