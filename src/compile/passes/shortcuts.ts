/**
 * For runtimes that take no shortcuts: a GPU would have to send the answer back, and `portable` plans where each tensor lies before
 * it runs.
 */
import { everywhere, type Graph, type Node, rewrite, type Value } from "../ir.ts";
import { mergeEqual } from "./prune.ts";

/** Writes what a shortcut computes in any case in its place. */
export function takeLongWays(graph: Graph): Graph {
  return graph.nodes.some(isShortcut) ? mergeEqual(everywhere(graph, inlineGeneral)) : graph;
}

const isShortcut = ({ op }: Node): boolean => op === "If";

function inlineGeneral(graph: Graph): Graph {
  return rewrite(graph, (node, build) => {
    if (!isShortcut(node)) return undefined;
    const { inputs: [, ...given], attributes } = node,
      branch = attributes.else_branch as Graph,
      stands = new Map<Value, Value>();
    const follow = (value: Value) => stands.get(value) ?? value;
    Object.values(branch.inputs).forEach((value, i) => stands.set(value, given[i]!));
    for (const node of branch.nodes) {
      const made = build.many(node.op, node.inputs.map(follow), node.outputs, node.attributes);
      node.outputs.forEach((value, i) => stands.set(value, made[i]!));
    }
    return Object.values(branch.outputs).map(follow);
  });
}
