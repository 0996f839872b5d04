import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { assertAllClose, normal, runGraph } from "../../engines/testing.ts";
import { float32 } from "../../tensor/host_tensor.ts";
import { dropClosedRows } from "./open_rows.ts";
import { sumByColumns } from "./row_products.ts";
import { graphOf, operators } from "./testing.ts";

const products = (groups: number, count: number, size: number) =>
  graphOf({ row: [groups, 1, size], rows: [groups, count, size] }, ({ row, rows }) => ({
    y: tf.matMul(row!, rows!, false, true),
  }));

Deno.test("sumByColumns() writes inner products of long rows as sums, of the same value", async () => {
  for (const [groups, count, size] of [[1, 1, 8192], [3, 5, 64 * 131]] as const) {
    const graph = products(groups, count, size),
      feeds = { row: normal([groups, 1, size]), rows: normal([groups, count, size]) };
    const rewritten = sumByColumns(graph);
    assert.deepEqual(operators(rewritten), ["Mul", "Reshape", "FusedMatMul", "ReduceSum", "Reshape"]);
    const tolerance = { abs: 1e-3, rel: 1e-4 };
    assertAllClose(await runGraph(rewritten, feeds), await runGraph(graph, feeds), `${count} of ${size}`, tolerance);
  }
});

Deno.test("sumByColumns() takes as many rows as there are in a run", async () => {
  const size = 8192, weights = [0, 3, 0, -2];
  const graph = graphOf({ weights: [1, 1, 4], row: [1, 1, size] }, ({ weights, row }) => {
    const rows = tf.engine().runKernel("OpenRows", { mixture: weights! }) as tf.Tensor;
    const steps = tf.matMul(rows, tf.tensor([1, 2, 3, 4], [1, 4, 1]));
    return { y: tf.matMul(row!, tf.mul(row!, steps), false, true) }; // [1, 1, K]
  });
  const rewritten = sumByColumns(dropClosedRows(graph, { keepsOne: true }));
  assert.equal(operators(rewritten).includes("ReduceSum"), true);
  const row = normal([1, 1, size]), square = Array.from(row.data, (x) => x * x).reduce((a, b) => a + b);
  const sums = async (weights: number[]) => {
    return (await runGraph(rewritten, { weights: float32([1, 1, 4], weights), row })).y!;
  };
  const tolerance = { abs: 1e-3, rel: 1e-4 };
  assertAllClose({ y: await sums(weights) }, { y: float32([1, 1, 2], [2 * square, 4 * square]) }, "two", tolerance);
  assertAllClose(
    { y: await sums([0, 0, 0, 0]) },
    { y: float32([1, 1, 1], [square]) },
    "the one that is kept",
    tolerance,
  );
});

const KEPT: Readonly<Record<string, () => ReturnType<typeof graphOf>>> = {
  "short rows": () => products(2, 3, 4096),
  "rows that do not come in columns of 64": () => products(2, 3, 8224),
  "products of more than one row": () =>
    graphOf({ a: [2, 2, 8192], b: [2, 3, 8192] }, ({ a, b }) => ({ y: tf.matMul(a!, b!, false, true) })),
  "products with columns": () =>
    graphOf({ a: [2, 1, 8192], b: [2, 8192, 3] }, ({ a, b }) => ({ y: tf.matMul(a!, b!) })),
  "one row for all of a stack": () =>
    graphOf({ a: [1, 1, 8192], b: [2, 3, 8192] }, ({ a, b }) => ({ y: tf.matMul(a!, b!, false, true) })),
};
for (const [what, make] of Object.entries(KEPT)) {
  Deno.test(`sumByColumns() leaves ${what} alone`, () => {
    assert.deepEqual(operators(sumByColumns(make())), ["FusedMatMul"]);
  });
}
