import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { runGraph } from "../../engines/testing.ts";
import { float32 } from "../../tensor/host_tensor.ts";
import { dropUnused, mergeEqual } from "./prune.ts";
import { graphOf, operators } from "./testing.ts";

Deno.test("dropUnused() drops what reaches no output, and nothing else", () => {
  const graph = graphOf({ x: [2] }, ({ x }) => {
    tf.exp(tf.neg(x!));
    const [first] = tf.split(x!, 2);
    return { y: tf.sqrt(first!) };
  });
  assert.deepEqual(dropUnused(graph).nodes.map(({ op }) => op), ["Split", "Sqrt"]);
  assert.deepEqual(Object.keys(dropUnused(graph).inputs), ["x"]);
});

Deno.test("mergeEqual() computes equal things once, however deep", () => {
  const apply = (x: tf.Tensor) => tf.sqrt(tf.add(tf.exp(x), tf.tensor1d([1, 2])));
  const graph = graphOf({ x: [2] }, ({ x }) => ({ y: apply(x!), z: tf.mul(apply(x!), apply(x!)) }));
  assert.deepEqual(operators(mergeEqual(graph)), ["Exp", "Add", "Sqrt", "Mul"]);
});

Deno.test("mergeEqual() keeps nodes apart whose attributes differ", () => {
  const graph = graphOf(
    { x: [2, 3] },
    ({ x }) => ({ a: tf.sum(x!, 0), b: tf.sum(x!, 1), c: tf.slice(x!, 1), d: tf.slice(x!, 0, 1) }),
  );
  assert.deepEqual(operators(mergeEqual(graph)), ["ReduceSum", "ReduceSum", "Slice", "Slice"]);
});

Deno.test("mergeEqual() keeps constants apart that JSON cannot tell from each other", async () => {
  const graph = graphOf({ x: [] }, ({ x }) => ({
    infinite: tf.add(x!, Infinity),
    minus: tf.add(x!, -Infinity),
    none: tf.add(x!, NaN),
    zero: tf.div(x!, 0),
    below: tf.div(x!, -0),
    mixed: tf.mul(x!, tf.tensor1d([Infinity, 1])),
    other: tf.mul(x!, tf.tensor1d([NaN, 1])),
  }));
  const made = await runGraph(mergeEqual(graph), { x: float32([], [1]) });
  assert.deepEqual(Object.values(made).map(({ data }) => data[0]), [
    Infinity,
    -Infinity,
    NaN,
    Infinity,
    -Infinity,
    Infinity,
    NaN,
  ]);
});

Deno.test("mergeEqual() keeps constants of different shapes and types apart", () => {
  const graph = graphOf({ x: [2] }, ({ x }) => ({
    a: tf.add(x!, tf.ones([2])),
    b: tf.add(x!, tf.ones([1, 2])),
    c: tf.ones([2], "int32"),
  }));
  const merged = mergeEqual(graph);
  assert.deepEqual(merged.outputs.b!.shape, [1, 2]);
  assert.equal(merged.outputs.c!.dtype, "int32");
});
