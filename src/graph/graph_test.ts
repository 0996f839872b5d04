import assert from "node:assert/strict";
import { UsageError } from "../errors.ts";
import { buildGraph, GraphError, narrow, needsOf, select } from "./graph.ts";
import type { Step } from "./step.ts";

function step(name: string, needs: readonly string[] = [], outputs: readonly string[] = ["out"]): Step {
  const inputs = Object.fromEntries(needs.map((need, i) => [`in${i}`, { step: need, output: "out" }]));
  return { name, kind: "k", version: 1, parameters: null, inputs, outputs };
}

const STEPS = [
  step("table/glue", ["tune/lora/cola", "tune/blora/cola"]),
  step("tune/lora/cola", ["data"]),
  step("tune/blora/cola", ["data"]),
  step("data"),
];

Deno.test("buildGraph() puts each step after what it needs", () => {
  const order = [...buildGraph(STEPS).steps.keys()];
  assert.equal(order.length, STEPS.length);
  for (const each of STEPS) for (const need of needsOf(each)) assert.ok(order.indexOf(need) < order.indexOf(each.name));
});

for (
  const [what, steps, message] of [
    ["two steps of one name", [step("a"), step("a")], /Two steps are called "a"/],
    ["an unknown step", [step("a", ["b"])], /Input "in0" of step "a" names an unknown step "b"/],
    [
      "an undeclared output",
      [step("a", ["b"]), step("b", [], ["x", "y"])],
      /output "out" of step "b", which declares x, y/,
    ],
    ["a cycle", [step("a", ["b"]), step("b", ["c"]), step("c", ["b"])], /need each other: b -> c -> b/],
    ["a step that needs itself", [step("a", ["a"])], /need each other: a -> a/],
    ["a step without outputs", [step("a", [], [])], /"a" declares no outputs/],
    ["an output declared twice", [step("a", [], ["x", "x"])], /"a" declares output "x" twice/],
    ["an output outside of its folder", [step("a", [], ["../x"])], /bad output name "..\/x"/],
    ["a bad name", [step("a b")], /Bad step name "a b"/],
    ["an empty segment", [step("a//b")], /Bad step name/],
    ["an empty name", [step("")], /Bad step name/],
  ] as const
) {
  Deno.test(`buildGraph() refuses ${what}`, () => {
    assert.throws(() => buildGraph(steps), (error) => error instanceof GraphError && message.test(error.message));
  });
}

Deno.test("narrow() keeps targets and what they need", () => {
  const graph = buildGraph(STEPS);
  assert.deepEqual([...narrow(graph, ["tune/lora/cola"]).steps.keys()], ["data", "tune/lora/cola"]);
  assert.deepEqual([...narrow(graph, ["tune"]).steps.keys()].sort(), ["data", "tune/blora/cola", "tune/lora/cola"]);
});

Deno.test("narrow() refuses an unknown target and the beginning of a segment", () => {
  for (const target of ["tun", "tune/lora/col", "x", ""]) {
    assert.throws(() => narrow(buildGraph(STEPS), [target]), (error) => {
      assert.ok(error instanceof UsageError);
      assert.ok(error.message.startsWith(`Unknown step "${target}": expected`));
      return true;
    });
  }
});

Deno.test("select() finds what depends on a step", () => {
  assert.deepEqual([...select(buildGraph(STEPS), ["tune/lora"], true)], ["tune/lora/cola", "table/glue"]);
});
