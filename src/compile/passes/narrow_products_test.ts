import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { assertAllClose, normal, runGraph } from "../../engines/testing.ts";
import { fuseProducts } from "./fuse.ts";
import { dropUnused } from "./prune.ts";
import { turnNarrow } from "./narrow_products.ts";
import { graphOf, operators } from "./testing.ts";

type Given = Record<"a" | "b" | "c", tf.Tensor>;

/** A function of matrices with 50 rows as a graph with its scales and sums inside the products, before and after. */
async function turned(a: number[], b: number[], apply: (given: Given) => tf.Tensor): Promise<string[]> {
  const shapes = { a, b, c: [64, 1] }, graph = graphOf(shapes, (given) => ({ y: apply(given as Given) }));
  const rewritten = turnNarrow(dropUnused(fuseProducts(graph)));
  const feeds = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, normal(shape, 1, name)]));
  assertAllClose(await runGraph(rewritten, feeds), await runGraph(graph, feeds), "turned", { abs: 1e-4, rel: 1e-4 });
  return operators(rewritten);
}

const overRows = ({ a, b }: Given) => tf.matMul(a, b, true);

const TURNED: Readonly<Record<string, [a: number[], b: number[], (given: Given) => tf.Tensor, string]>> = {
  "of few columns": [[50, 64], [50, 8], overRows, "Gemm"],
  "in a stack": [[3, 50, 64], [3, 50, 8], overRows, "FusedMatMul"],
  "in a stack with one operand for all": [[1, 50, 64], [3, 50, 8], overRows, "FusedMatMul"],
  "that are multiplied": [[50, 64], [50, 8], (given) => tf.mul(overRows(given), 3), "Gemm"],
};
for (const [what, [a, b, apply, op]] of Object.entries(TURNED)) {
  Deno.test(`turnNarrow() turns products over rows ${what}`, async () => {
    assert.deepEqual(await turned(a, b, apply), [op, "Transpose"]);
  });
}

const KEPT: Readonly<Record<string, [a: number[], b: number[], (given: Given) => tf.Tensor]>> = {
  "products of many columns": [[50, 64], [50, 16], overRows],
  "products of few rows, too": [[50, 24], [50, 8], overRows],
  "products that do not sum over rows": [[64, 50], [50, 8], ({ a, b }) => tf.matMul(a, b)],
  "products that sum over the columns of the other operand": [
    [50, 64],
    [8, 50],
    ({ a, b }) => tf.matMul(a, b, true, true),
  ],
  "products that are added to something": [[50, 64], [50, 8], (given) => tf.add(overRows(given), given.c)],
};
for (const [what, [a, b, apply]] of Object.entries(KEPT)) {
  Deno.test(`turnNarrow() leaves ${what} alone`, async () => assert.deepEqual(await turned(a, b, apply), ["Gemm"]));
}
