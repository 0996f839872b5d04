import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { graphOf, operators } from "../compile/passes/testing.ts";
import { limitTensors, MOST_TENSORS } from "./storage_limits.ts";
import { assertSameBits, normal, runGraph } from "./testing.ts";

/** A split into parts of these sizes, and a join of many tensors. */
const graphWith = (sizes: readonly number[]) =>
  graphOf({ x: [2, sizes.reduce((a, b) => a + b)] }, ({ x }) => {
    const parts = tf.split(x!, [...sizes], 1);
    return {
      ...Object.fromEntries(parts.map((part, i) => [`part${i}`, tf.neg(part)])),
      joined: tf.concat([...parts].reverse(), 1),
    };
  });

Deno.test("limitTensors() leaves no operator with too many tensors, and the results as they were", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 3, max: 9 }), async (sizes, most) => {
      const graph = graphWith(sizes), limited = limitTensors(graph, most);
      for (const { op, inputs, outputs } of limited.nodes) {
        if (op === "Split" || op === "Concat") assert.ok(inputs.length + outputs.length <= most, `${op} of ${sizes}`);
      }
      const feeds = { x: normal([2, sizes.reduce((a, b) => a + b)]) };
      assertSameBits(await runGraph(limited, feeds), await runGraph(graph, feeds), "limited");
    }),
    { numRuns: 20 },
  );
});

Deno.test("limitTensors() keeps what is within the limit", () => {
  const graph = graphWith([1, 2, 3]);
  assert.deepEqual(operators(limitTensors(graph, MOST_TENSORS)), operators(graph));
});
