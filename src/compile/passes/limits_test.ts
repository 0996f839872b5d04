import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { traceProgram } from "../../engines/compiled.ts";
import { assertAllClose, cpu, normal, runGraph, runOnce } from "../../engines/testing.ts";
import { joinLimits } from "./limits.ts";
import { operators } from "./testing.ts";

type Tensor = tf.Tensor;
type Given = Readonly<Record<"x" | "low" | "high", Tensor>>;

const between = ({ x, low, high }: Given) => tf.minimum(tf.maximum(x, low), high);
const CASES: Readonly<
  Record<string, [Record<keyof Given, number[]>, (given: Given) => Record<string, Tensor>, string[]]>
> = {
  "writes limits by single numbers as one": [
    { x: [2, 3], low: [1, 1], high: [] },
    (given) => ({ y: between(given) }),
    ["Reshape", "Clip"],
  ],
  "keeps limits that differ from row to row": [
    { x: [2, 3], low: [2, 1], high: [2, 1] },
    (given) => ({ y: between(given) }),
    ["Max", "Min"],
  ],
  "keeps a limit of what others read, too": [
    { x: [2, 3], low: [], high: [] },
    ({ x, low, high }) => {
      const raised = tf.maximum(x, low);
      return { raised, y: tf.minimum(raised, high) };
    },
    ["Max", "Min"],
  ],
  "keeps limits that widen what they limit": [
    { x: [1], low: [1, 1], high: [1, 1] },
    (given) => ({ y: between(given) }),
    ["Max", "Min"],
  ],
};
for (const [what, [shapes, apply, kept]] of Object.entries(CASES)) {
  Deno.test(`joinLimits() ${what}`, async () => {
    // Whichever of two random limits is the lower one: where they cross, both forms give the upper.
    const feeds = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, normal(shape, 1, name)]));
    const program = { name: "limits", inputs: feeds, apply: (given: Record<string, Tensor>) => apply(given as Given) };
    const graph = joinLimits(traceProgram(program).graph);
    assert.deepEqual(operators(graph), kept);
    assertAllClose(await runGraph(graph, feeds), await runOnce(cpu, program, feeds), what, { abs: 0, rel: 0 });
  });
}
