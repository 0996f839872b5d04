import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import "./compile.ts";
import { multiplyAccumulates, operatorsOf, peakBytes } from "./cost.ts";
import { dropUnused } from "./passes/prune.ts";
import { shortcut } from "./shortcut.ts";
import { trace } from "./tracer.ts";

const matrix = (...shape: number[]) => ({ dtype: "float32" as const, shape });

Deno.test("multiplyAccumulates() counts products of matrices and of stacks, however they are read", () => {
  const graph = trace({ x: matrix(3, 4), W: matrix(5, 4), S: matrix(2, 4, 6) }, ({ x, W, S }) => ({
    flat: tf.matMul(x!, W!, false, true), // 3 x 5 numbers of 4 products
    stacked: tf.matMul(tf.expandDims(x!, 0), S!), // 2 x 3 x 6 numbers of 4
    turned: tf.matMul(x!, x!, true, false), // 4 x 4 numbers of 3
    other: tf.mul(x!, 2),
  }));
  assert.equal(multiplyAccumulates(graph), 3 * 5 * 4 + 2 * 3 * 6 * 4 + 4 * 4 * 3);
});

Deno.test("peakBytes() counts inputs throughout and other values from their maker to their last reader", () => {
  const graph = dropUnused(trace({ x: matrix(10) }, ({ x }) => {
    const a = tf.exp(x!), b = tf.reshape(tf.exp(a), [2, 5]), c = tf.sum(tf.mul(b, b));
    return { c };
  }));
  // x, a and exp(a), or x, b and b * b: three vectors of ten floats; a reshape costs nothing.
  assert.equal(peakBytes(graph), 3 * 40);
});

Deno.test("operatorsOf() counts what either way of a shortcut takes, and no constants", () => {
  const graph = trace({ x: matrix(3) }, ({ x }) => ({
    y: shortcut(tf.greater(tf.sum(x!), 0), { x: x! }, {
      quick: ({ x }) => [tf.neg(x)],
      general: ({ x }) => [tf.exp(tf.add(x, 1))],
    })[0]!,
  }));
  assert.equal(operatorsOf(graph), 2 + 1 + 1 + 2);
});
