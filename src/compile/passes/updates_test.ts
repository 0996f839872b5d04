import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { assertAllClose, normal, runGraph } from "../../engines/testing.ts";
import type { Graph } from "../ir.ts";
import { fuseProducts } from "./fuse.ts";
import { dropUnused } from "./prune.ts";
import { simplify } from "./simplify.ts";
import { graphOf, operators } from "./testing.ts";
import { mergeUpdates } from "./updates.ts";

type Tensors = Record<string, tf.Tensor>;

/** What `mergeUpdates` is given: scales and sums within products. */
const fused = (graph: Graph) => dropUnused(fuseProducts(fuseProducts(simplify(graph))));

async function assertSame(shapes: Record<string, number[]>, apply: (given: Tensors) => Tensors, kept?: string[]) {
  const graph = graphOf(shapes, apply), rewritten = mergeUpdates(fused(graph));
  if (kept) assert.deepEqual(operators(rewritten), kept);
  const feeds = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, normal(shape, 1, name)]));
  const close = { abs: 1e-4, rel: 1e-4 };
  assertAllClose(await runGraph(rewritten, feeds), await runGraph(graph, feeds), `${kept}`, close);
  return rewritten;
}

Deno.test("mergeUpdates() adds an update to its matrix, whatever of both is read transposed or multiplied", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
      async ([flipW, flipA, flipB, scales, bias]) => {
        const of = (flip: boolean | undefined, rows: number, columns: number) =>
          flip ? [columns, rows] : [rows, columns];
        const shapes = { x: [9, 4], W: of(flipW, 4, 3), A: of(flipA, 4, 2), B: of(flipB, 2, 3), bias: [3] };
        await assertSame(shapes, ({ x, W, A, B, bias: b }) => {
          const low = tf.mul(tf.matMul(x!, A!, false, flipA), scales ? 3 : 1);
          const product = tf.matMul(x!, W!, false, flipW), base = bias ? tf.add(product, b!) : product;
          return { y: tf.add(base, tf.mul(tf.matMul(low, B!, false, flipB), scales ? 0.5 : 1)) };
        }, ["Gemm", "Gemm"]);
      },
    ),
    { numRuns: 32 },
  );
});

const STACKED = { x: [9, 4], W: [4, 3], V: [4, 3], A: [2, 4], C: [1, 4], B: [3, 2], D: [3, 1], dy: [9, 3], dz: [9, 3] };

Deno.test("mergeUpdates() finds updates whose inner factors are one product, and keeps what their gradients need of it", async () => {
  await assertSame(STACKED, ({ x, W, V, A, B, C, D }) => {
    const low = tf.matMul(x!, tf.concat([A!, C!]), false, true),
      [a, c] = tf.split(low, [2, 1], 1) as [tf.Tensor, tf.Tensor];
    const update = (W: tf.Tensor, low: tf.Tensor, B: tf.Tensor) =>
      tf.add(tf.matMul(x!, W), tf.matMul(low, B, false, true));
    return { y: update(W!, a, B!), z: update(V!, c, D!), low };
  }, ["Concat", "Gemm", "Gemm", "Gemm", "Gemm", "Gemm"]);
});

Deno.test("mergeUpdates() adds several updates to the matrices of a sum", async () => {
  await assertSame(STACKED, ({ W, V, A, B, C, D, dy, dz }) => {
    const low = tf.concat([tf.matMul(dy!, B!), tf.matMul(dz!, D!)], 1),
      through = (y: tf.Tensor, W: tf.Tensor) => tf.matMul(y, W, false, true);
    return { dx: tf.add(tf.add(through(dy!, W!), through(dz!, V!)), tf.matMul(low, tf.concat([A!, C!]))) };
  }, ["Gemm", "Gemm", "Gemm", "Gemm"]);
});

const LORA = { x: [9, 4], z: [9, 4], W: [4, 3], A: [4, 2], B: [2, 3] };
const updated = ({ x, W, A, B }: Tensors, from = x!) => tf.add(tf.matMul(x!, W!), tf.matMul(tf.matMul(from, A!), B!));
const KEPT: Readonly<Record<string, [Record<string, number[]>, (given: Tensors) => Tensors]>> = {
  "an update of fewer rows than the matrix has": [{ ...LORA, x: [4, 4] }, (given) => ({ y: updated(given) })],
  "an update of something else": [LORA, (given) => ({ y: updated(given, given.z!) })],
  "an update beside a product that others read": [LORA, (given) => {
    const base = tf.matMul(given.x!, given.W!);
    return { base, y: tf.add(base, tf.matMul(tf.matMul(given.x!, given.A!), given.B!)) };
  }],
};
for (const [what, [shapes, apply]] of Object.entries(KEPT)) {
  Deno.test(`mergeUpdates() leaves ${what} alone`, async () => {
    const before = fused(graphOf(shapes, apply));
    assert.deepEqual(operators(await assertSame(shapes, apply)), operators(before));
  });
}
