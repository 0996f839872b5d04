import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { runGraph } from "../../engines/testing.ts";
import { float32, int32 } from "../../tensor/host_tensor.ts";
import { type Graph, uniformValue } from "../ir.ts";
import { trace } from "../tracer.ts";
import { mergeEqual } from "./prune.ts";
import { simplify } from "./simplify.ts";
import { graphOf, operators } from "./testing.ts";

type Tensor = tf.Tensor;

/** The operators left of a function of x [2, 3] and y [2, 1]. */
const left = (apply: (x: Tensor, y: Tensor) => Tensor): string[] => {
  return operators(simplify(graphOf({ x: [2, 3], y: [2, 1] }, ({ x, y }) => ({ z: apply(x!, y!) }))));
};
const ones = () => tf.ones([2, 3]), zeros = () => tf.zeros([2, 3]);

const NOTHING: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  "x + 0": (x) => tf.add(x, zeros()),
  "0 + x": (x) => tf.add(0, x),
  "x - 0": (x) => tf.sub(x, 0),
  "x * 1": (x) => tf.mul(x, ones()),
  "1 * x": (x) => tf.mul(1, x),
  "x / 1": (x) => tf.div(x, 1),
  "a reshape to its own shape": (x) => tf.reshape(x, [2, 3]),
  "a reshape there and back": (x) => tf.reshape(tf.reshape(x, [6]), [2, 3]),
  "a transpose there and back": (x) => tf.transpose(tf.transpose(x)),
  "a slice of everything": (x) => tf.slice(x, [0, 0], [2, 3]),
  "padding by nothing": (x) => tf.pad(x, [[0, 0], [0, 0]]),
  "one repetition": (x) => tf.tile(x, [1, 1]),
};
for (const [what, apply] of Object.entries(NOTHING)) {
  Deno.test(`simplify() removes ${what}`, () => assert.deepEqual(left(apply), []));
}

const KEPT: Readonly<Record<string, [(x: Tensor, y: Tensor) => Tensor, string[]]>> = {
  "0 - x": [(x) => tf.sub(0, x), ["Sub"]],
  "1 / x": [(x) => tf.div(1, x), ["Div"]],
  "x + 1": [(x) => tf.add(x, 1), ["Add"]],
  "the broadcast in a sum with wider zeros": [(_, y) => tf.add(y, zeros()), ["Expand"]],
  "one transpose of two": [(x) => tf.transpose(tf.transpose(tf.transpose(x))), ["Transpose"]],
  "a transpose that moves others past one of one number": [
    (x) => tf.transpose(tf.reshape(x, [2, 1, 3]), [2, 1, 0]),
    ["Reshape", "Transpose"],
  ],
  "one reshape of two": [(x) => tf.reshape(tf.reshape(x, [6]), [3, 2]), ["Reshape"]],
};
for (const [what, [apply, kept]] of Object.entries(KEPT)) {
  Deno.test(`simplify() keeps ${what}`, () => assert.deepEqual(left(apply), kept));
}

Deno.test("simplify() writes a transpose that only moves axes of one number as a reshape, of nothing, too", async () => {
  assert.deepEqual(left((_, y) => tf.transpose(y)), ["Reshape"]);
  const graph = simplify(graphOf({ x: [1, 0, 3] }, ({ x }) => ({ y: tf.transpose(x!, [1, 0, 2]) })));
  assert.deepEqual(operators(graph), ["Reshape"]);
  const { y } = await runGraph(graph, { x: float32([1, 0, 3], []) });
  assert.deepEqual([...y!.shape], [0, 1, 3]);
});

const only = (graph: Graph) => graph.outputs.z!;

Deno.test("simplify() works out sums of constants, rounded to float32", () => {
  const graph = simplify(graphOf({ x: [] }, () => ({ z: tf.div(tf.add(tf.fill([2], 0.25), 0.5), 3) })));
  assert.deepEqual(operators(graph), []);
  assert.equal(uniformValue(only(graph)), Math.fround(0.25));
});

Deno.test("simplify() leaves sums of whole numbers to the runtime, which does not round them to float32", () => {
  const graph = simplify(trace({}, () => ({ z: tf.add(tf.fill([2], 16777216, "int32"), tf.scalar(1, "int32")) })));
  assert.deepEqual(operators(graph), ["Add"]);
});

Deno.test("simplify() works on the small side of a broadcast", () => {
  const expand = (y: Tensor) => tf.engine().runKernel("BroadcastTo", { x: y }, { shape: [2, 3] }) as Tensor;
  const graph = simplify(graphOf({ y: [2, 1] }, ({ y }) => ({ z: tf.mul(tf.exp(expand(y!)), 2) })));
  assert.deepEqual(dropExpand(graph).map(({ shape }) => shape), [[2, 1], [2, 1]]);
  assert.deepEqual(operators(graph), ["Exp", "Mul", "Expand"]);
  assert.deepEqual(left((x, y) => tf.add(x, expand(y))), ["Add"]);
});

/** What is computed before a last broadcast. */
const dropExpand = (graph: Graph) =>
  graph.nodes.filter(({ op }) => op === "Exp" || op === "Mul").flatMap(({ outputs }) => outputs);

Deno.test("simplify() turns a sum with a negated term into a difference", () => {
  assert.deepEqual(left((x) => tf.add(x, tf.neg(tf.square(x)))), ["Mul", "Sub"]);
});

Deno.test("simplify() leaves no ones in the gradient of a mean", () => {
  const gradient = graphOf({ x: [2, 3] }, ({ x }) => ({ z: tf.grad((x) => tf.mean(x))(x!) }));
  assert.deepEqual(operators(mergeEqual(simplify(simplify(gradient)))), []);
  const squared = graphOf({ x: [2, 3] }, ({ x }) => ({ z: tf.grad((x) => tf.mean(tf.square(x)))(x!) }));
  assert.ok(operators(simplify(simplify(squared))).every((op) => op === "Mul"), "only products are left");
});

Deno.test("simplify() does not take padding of a constant for the constant", async () => {
  const graph = simplify(graphOf({ x: [] }, () => ({ z: tf.pad(tf.ones([2]), [[1, 0]]) })));
  const { z } = await runGraph(graph, { x: float32([]) });
  assert.deepEqual(z, float32([3], [0, 1, 1]));
});

Deno.test("simplify() keeps the element type of constants", async () => {
  const { z } = await runGraph(
    simplify(
      trace(
        { x: int32([2]) },
        ({ x }) => ({ z: tf.mul(tf.add(x!, tf.fill([2], 0, "int32")), tf.fill([1, 2], 3, "int32")) }),
      ),
    ),
    { x: int32([2], [5, 7]) },
  );
  assert.deepEqual(z, int32([1, 2], [15, 21]));
});
