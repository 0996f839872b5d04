import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { assertAllClose, normal, runGraph } from "../../engines/testing.ts";
import { multiplyAccumulates } from "../cost.ts";
import { optimize } from "../compile.ts";
import { needRows } from "./needed_rows.ts";
import { graphOf, operators } from "./testing.ts";

type Given = Record<"x" | "y" | "W" | "V" | "U" | "row" | "column" | "bias", tf.Tensor>;

const SHAPES = { x: [6, 4], y: [3, 4], W: [4, 5], V: [4, 5], U: [5, 4], row: [1, 5], column: [9, 1], bias: [5] };
const below = ({ x, y }: Given) => tf.concat([x, y]);
const first = (product: tf.Tensor, rows = 6) => tf.slice(product, [0, 0], [rows, -1]);

/** What is traced, the operators that it is to become, and their multiply-accumulates: a row of a product takes 20. */
const CASES: Readonly<Record<string, [(given: Given) => Record<string, tf.Tensor>, string[], number]>> = {
  "leaves out rows that stand below": [
    (given) => ({ out: first(tf.matMul(below(given), given.W)) }),
    ["Gemm"],
    120,
  ],
  "does so behind a split of which one part is read": [
    (given) => ({ out: tf.split(tf.matMul(below(given), given.W), [6, 3])[0]! }),
    ["Gemm"],
    120,
  ],
  "does so for all products of a sum": [
    (given) => ({ out: first(tf.add(tf.matMul(below(given), given.V), tf.matMul(below(given), given.W))) }),
    ["Gemm", "Gemm"],
    240,
  ],
  "adds a row to them": [
    (given) => ({ out: first(tf.add(tf.matMul(below(given), given.W), given.row)) }),
    ["Gemm"],
    120,
  ],
  "adds the first rows of a column to them": [
    (given) => ({ out: first(tf.add(tf.matMul(below(given), given.W), given.column)) }),
    ["Slice", "Gemm"],
    120,
  ],
  "adds a bias to them": [
    (given) => ({ out: first(tf.add(tf.matMul(below(given), given.W), given.bias)) }),
    ["Gemm"],
    120,
  ],
  "computes a product whole that others read, and takes its first rows": [
    (given) => {
      const inner = tf.matMul(below(given), given.W);
      return { inner, out: first(tf.matMul(inner, given.U)) };
    },
    ["Concat", "Gemm", "Slice", "Gemm"],
    300,
  ],
  "takes rows of a pile that others read, and no part of it twice": [
    ({ x, y, W, V, U }) => {
      const pile = tf.concat([tf.matMul(tf.matMul(x, V), U), y]);
      return { pile, out: first(tf.matMul(pile, W), 5) };
    },
    ["Gemm", "Gemm", "Concat", "Slice", "Gemm"],
    340,
  ],
  "keeps the parts of a split of what it has rewritten": [
    (given) => {
      const [a, b] = tf.split(tf.matMul(first(tf.matMul(below(given), given.W)), given.U), [4, 2]);
      return { a: a!, b: b! };
    },
    ["Gemm", "Gemm", "Split"],
    240,
  ],
  "leaves stacks alone": [
    (given) => ({
      out: tf.slice(tf.matMul(tf.stack([given.x, given.x]), tf.stack([given.W, given.V])), [0, 0, 0], [1, -1, -1]),
    }),
    ["Reshape", "Reshape", "Reshape", "Concat", "Concat", "FusedMatMul", "Slice"],
    240,
  ],
  "takes the first rows of what is no such pile": [
    (given) => ({ out: first(tf.matMul(given.x, given.W), 2) }),
    ["Slice", "Gemm"],
    40,
  ],
  "keeps a product that is read whole, too": [
    (given) => {
      const product = tf.matMul(below(given), given.W);
      return { out: first(product), product };
    },
    ["Concat", "Gemm", "Slice"],
    180,
  ],
  "keeps a product of which both parts are read": [
    (given) => {
      const [out, rest] = tf.split(tf.matMul(below(given), given.W), [6, 3]) as [tf.Tensor, tf.Tensor];
      return { out, rest };
    },
    ["Concat", "Gemm", "Split"],
    180,
  ],
  "keeps rows from further down": [
    (given) => ({ out: tf.slice(tf.matMul(below(given), given.W), [1, 0], [6, -1]) }),
    ["Concat", "Gemm", "Slice"],
    180,
  ],
  "keeps a product of which columns are read": [
    (given) => ({ out: tf.slice(tf.matMul(below(given), given.W), [0, 0], [6, 2]) }),
    ["Concat", "Gemm", "Slice"],
    180,
  ],
  "keeps a product that sums over rows": [
    ({ x, y }) => ({ out: tf.slice(tf.matMul(x, tf.concat([y, y]), true), [0, 0], [2, -1]) }),
    ["Concat", "Gemm", "Slice"],
    96,
  ],
};
for (const [what, [apply, kept, macs]] of Object.entries(CASES)) {
  Deno.test(`needRows() ${what}`, async () => {
    const graph = optimize(graphOf(SHAPES, (given) => apply(given as Given))), rewritten = needRows(graph);
    assert.deepEqual(operators(rewritten), kept);
    assert.equal(multiplyAccumulates(rewritten), macs);
    const feeds = Object.fromEntries(Object.entries(SHAPES).map(([name, shape]) => [name, normal(shape, 1, name)]));
    const plain = graphOf(SHAPES, (given) => apply(given as Given));
    assertAllClose(await runGraph(rewritten, feeds), await runGraph(plain, feeds), what, { abs: 1e-5, rel: 1e-5 });
  });
}
