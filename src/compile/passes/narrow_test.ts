import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { assertAllClose, normal, runGraph } from "../../engines/testing.ts";
import { turnNarrow } from "./narrow.ts";
import { graphOf, operators } from "./testing.ts";

/** A product over 50 rows, alone or in a stack. */
const product = (rows: number, columns: number, stack: number[] = [], transposeA = true) => {
  const shapes = { a: [...stack, ...(transposeA ? [50, rows] : [rows, 50])], b: [...stack, 50, columns] };
  return { shapes, graph: graphOf(shapes, ({ a, b }) => ({ y: tf.matMul(a!, b!, transposeA) })) };
};

for (const stack of [[], [3]]) {
  Deno.test(`turnNarrow() turns products of few columns${stack.length > 0 ? " in a stack" : ""}`, async () => {
    const { shapes, graph } = product(64, 8, stack), rewritten = turnNarrow(graph);
    assert.deepEqual(operators(rewritten), [stack.length > 0 ? "FusedMatMul" : "Gemm", "Transpose"]);
    const feeds = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, normal(shape, 1, name)]));
    assertAllClose(await runGraph(rewritten, feeds), await runGraph(graph, feeds), "turned", { abs: 1e-4, rel: 1e-4 });
  });
}

const KEPT = {
  "products of many columns": product(64, 16),
  "products of few rows, too": product(24, 8),
  "products that do not sum over rows": product(64, 8, [], false),
};
for (const [what, { graph }] of Object.entries(KEPT)) {
  Deno.test(`turnNarrow() leaves ${what} alone`, () => assert.deepEqual(operators(turnNarrow(graph)), ["Gemm"]));
}
