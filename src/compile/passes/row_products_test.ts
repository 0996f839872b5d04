import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { assertAllClose, normal, runGraph } from "../../engines/testing.ts";
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
