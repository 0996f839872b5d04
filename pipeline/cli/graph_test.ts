import assert from "node:assert/strict";
import { buildGraph, needsOf } from "../../src/graph/graph.ts";
import { tenSteps } from "../../src/graph/toy/pipeline.ts";
import { ascii, dot, mermaid, nodesOf } from "./graph.ts";

const toy = buildGraph(tenSteps());

Deno.test("nodesOf() has every step with what it needs, after what it needs", () => {
  const nodes = nodesOf(toy, true);
  assert.deepEqual(
    new Map(nodes.map(({ name, needs }) => [name, needs])),
    new Map(tenSteps().map((step) => [step.name, needsOf(step)])),
  );
  nodes.forEach(({ needs }, i) =>
    assert.ok(needs.every((need) => nodes.slice(0, i).some(({ name }) => name === need)))
  );
});

Deno.test("a graph of groups counts their steps and leaves out what they need of themselves, in every format", () => {
  const nodes = nodesOf(toy, false);
  assert.equal(
    ascii(nodes),
    ["draw (5 steps)", "blend (3 steps)    <- draw", "describe (2 steps) <- blend"].join("\n"),
  );
  assert.equal(
    mermaid(nodes),
    [
      "flowchart LR",
      '  n0["draw (5 steps)"]',
      '  n1["blend (3 steps)"]',
      '  n2["describe (2 steps)"]',
      "  n0 --> n1",
      "  n1 --> n2",
    ].join("\n"),
  );
  assert.equal(
    dot(nodes),
    [
      "digraph {",
      "  rankdir=LR; node [shape=box];",
      '  "draw" [label="draw (5 steps)"];',
      '  "blend" [label="blend (3 steps)"];',
      '  "describe" [label="describe (2 steps)"];',
      '  "draw" -> "blend";',
      '  "blend" -> "describe";',
      "}",
    ].join("\n"),
  );
});
