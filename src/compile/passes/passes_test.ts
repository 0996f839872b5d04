import assert from "node:assert/strict";
import fc from "fast-check";
import { traceProgram } from "../../engines/compiled.ts";
import { assertAllClose, cpu, runGraph, runOnce } from "../../engines/testing.ts";
import { optimize } from "../compile.ts";
import type { Graph, Value } from "../ir.ts";
import { instructions, isTame, programOf } from "../random_programs.ts";
import { fuseProducts } from "./fuse.ts";
import { dropUnused, mergeEqual } from "./prune.ts";
import { simplify } from "./simplify.ts";

const PASSES: Readonly<Record<string, (graph: Graph) => Graph>> = {
  "no pass": (graph) => graph,
  dropUnused,
  mergeEqual,
  simplify,
  fuseProducts,
  optimize,
};

/** Checks that every node reads inputs of the graph and results of nodes before it only. */
function assertOrdered({ inputs, outputs, nodes }: Graph, what: string): void {
  const known = new Set<Value>(Object.values(inputs));
  for (const node of nodes) {
    assert.ok(node.inputs.every((value) => known.has(value)), `${what}: ${node.op} reads a value before it is made`);
    node.outputs.forEach((value) => known.add(value));
  }
  assert.ok(Object.values(outputs).every((value) => known.has(value)), `${what}: an output is made by no node`);
}

/** How many nodes compute something that is needed. */
const work = (graph: Graph): number => dropUnused(graph).nodes.filter(({ op }) => op !== "Constant").length;

for (const [name, pass] of Object.entries(PASSES)) {
  Deno.test(`${name} keeps what random programs compute`, async () => {
    await fc.assert(
      fc.asyncProperty(instructions, async (list) => {
        const { program, feeds } = programOf(list);
        const expected = await runOnce(cpu, program, feeds);
        fc.pre(isTame(expected));
        const { graph } = traceProgram(program), rewritten = pass(graph);
        assertOrdered(rewritten, name);
        assert.ok(work(rewritten) <= work(graph), `${name} makes more to compute`);
        assertAllClose(await runGraph(rewritten, feeds), expected, name, { abs: 2e-4, rel: 2e-4 });
      }),
      { numRuns: 15 },
    );
  });
}
