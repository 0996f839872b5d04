import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { traceProgram } from "../../engines/compiled.ts";
import { assertAllClose, cpu, normal, runGraph, runOnce } from "../../engines/testing.ts";
import type { HostTensors } from "../../tensor/host_tensor.ts";
import { fuseProducts } from "./fuse.ts";
import { operators } from "./testing.ts";

type Tensor = tf.Tensor;
type Apply = (inputs: Record<string, Tensor>) => Tensor | Record<string, Tensor>;

/** Fuses a function, checks that it computes the same, and returns its operators. */
async function fused(shapes: Readonly<Record<string, number[]>>, apply: Apply): Promise<string[]> {
  const feeds: HostTensors = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, normal(shape, 1, name)]),
  );
  const outputs = (made: Tensor | Record<string, Tensor>) => made instanceof tf.Tensor ? { y: made } : made;
  const program = { name: "fuse", inputs: feeds, apply: (given: Record<string, Tensor>) => outputs(apply(given)) };
  const graph = fuseProducts(fuseProducts(traceProgram(program).graph));
  assertAllClose(await runGraph(graph, feeds), await runOnce(cpu, program, feeds), "fused", { abs: 1e-5, rel: 1e-5 });
  return operators(graph);
}

const matrices = { a: [2, 3], b: [3, 2], row: [2], wide: [2, 2, 2] };
const stacks = { a: [4, 2, 3], b: [4, 3, 2] };

const RULES: Readonly<Record<string, [Record<string, number[]>, Apply, string[]]>> = {
  "folds a factor into alpha": [matrices, ({ a, b }) => tf.mul(0.5, tf.mul(tf.matMul(a!, b!), 3)), ["Gemm"]],
  "folds a divisor into alpha": [matrices, ({ a, b }) => tf.div(tf.matMul(a!, b!), 4), ["Gemm"]],
  "folds a factor of a stack": [stacks, ({ a, b }) => tf.mul(tf.matMul(a!, b!), 3), ["FusedMatMul"]],
  "folds a bias into the product": [matrices, ({ a, b, row }) => tf.add(tf.matMul(a!, b!), row!), ["Gemm"]],
  "folds a bias before the product": [matrices, ({ a, b, row }) => tf.add(row!, tf.matMul(a!, b!)), ["Gemm"]],
  "folds one product into another": [
    matrices,
    ({ a, b }) => tf.add(tf.matMul(a!, b!), tf.mul(tf.matMul(b!, a!, true, true), 2)),
    ["Gemm", "Gemm"],
  ],
  "folds transposes": [matrices, ({ a, b }) => tf.matMul(tf.transpose(b!), tf.transpose(a!)), ["Gemm"]],
  "folds a transpose of what is read transposed": [
    matrices,
    ({ a }) => tf.matMul(tf.transpose(a!), a!, true, true),
    ["Gemm"],
  ],
  "folds transposes of the last two axes of a stack": [
    stacks,
    ({ a, b }) => tf.matMul(tf.transpose(a!, [0, 2, 1]), tf.transpose(b!, [0, 2, 1])),
    ["FusedMatMul"],
  ],
  "keeps transposes of other axes": [
    { a: [3, 3, 3], b: [3, 3, 3] },
    ({ a, b }) => tf.matMul(tf.transpose(a!, [1, 0, 2]), tf.transpose(b!, [2, 0, 1])),
    ["Transpose", "Transpose", "FusedMatMul"],
  ],
  "does not compute a product twice to scale it": [
    matrices,
    ({ a, b }) => {
      const product = tf.matMul(a!, b!);
      return { y: tf.mul(product, 2), z: tf.exp(product) };
    },
    ["Gemm", "Mul", "Exp"],
  ],
  "does not compute an output twice to shift it": [
    matrices,
    ({ a, b, row }) => {
      const product = tf.matMul(a!, b!);
      return { product, sum: tf.add(product, row!) };
    },
    ["Gemm", "Add"],
  ],
  "keeps the sum of a product with itself": [
    matrices,
    ({ a, b }) => {
      const product = tf.matMul(a!, b!);
      return tf.add(product, product);
    },
    ["Gemm", "Add"],
  ],
  "keeps a factor that widens the product": [
    { a: [1, 3], b: [3, 2] },
    ({ a, b }) => tf.mul(tf.matMul(a!, b!), tf.fill([2, 2], 3)),
    ["Gemm", "Mul"],
  ],
  "keeps a factor of higher rank": [
    matrices,
    ({ a, b }) => tf.mul(tf.matMul(a!, b!), tf.fill([3, 2, 2], 3)),
    ["Gemm", "Mul"],
  ],
  "keeps a term of higher rank": [matrices, ({ a, b, wide }) => tf.add(tf.matMul(a!, b!), wide!), ["Gemm", "Add"]],
  "keeps a term that widens the product": [
    { a: [1, 3], b: [3, 2], column: [2, 1] },
    ({ a, b, column }) => tf.add(tf.matMul(a!, b!), column!),
    ["Gemm", "Add"],
  ],
  "folds a factor into a product and its bias": [
    matrices,
    ({ a, b, row }) => tf.mul(tf.add(tf.matMul(a!, b!), row!), 2),
    ["Mul", "Gemm"],
  ],
  "keeps a factor of a product and a term as large": [
    { a: [2, 3], b: [3, 2], c: [2, 2] },
    ({ a, b, c }) => tf.mul(tf.add(tf.matMul(a!, b!), c!), 2),
    ["Gemm", "Mul"],
  ],
  "folds factors of both operands into alpha": [
    matrices,
    ({ a, b }) => tf.matMul(tf.mul(a!, 2), tf.mul(3, b!)),
    ["Gemm"],
  ],
  "folds a factor that several products read": [
    matrices,
    ({ a, b }) => {
      const twice = tf.mul(a!, 2);
      return { y: tf.matMul(twice, b!), z: tf.matMul(twice, twice, true) };
    },
    ["Gemm", "Gemm"],
  ],
  "keeps a factor that others read, too": [
    matrices,
    ({ a, b }) => {
      const twice = tf.mul(a!, 2);
      return { y: tf.matMul(twice, b!), z: tf.exp(twice) };
    },
    ["Mul", "Gemm", "Exp"],
  ],
  "keeps a factor that widens an operand": [
    { a: [1, 3], b: [3, 2] },
    ({ a, b }) => tf.matMul(tf.mul(a!, tf.fill([2, 3], 3)), b!),
    ["Mul", "Gemm"],
  ],
};
for (const [rule, [shapes, apply, kept]] of Object.entries(RULES)) {
  Deno.test(`fuseProducts() ${rule}`, async () => assert.deepEqual(await fused(shapes, apply), kept));
}
