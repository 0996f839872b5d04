/** Computes equal things once and drops what nothing reads. */
import type { HostTensor } from "../../tensor/host_tensor.ts";
import { type Graph, graphsIn, type Node, rewrite, type Value } from "../ir.ts";

/** Merges nodes with the same operator, inputs and attributes (common subexpressions), other than those with graphs in them. */
export function mergeEqual(graph: Graph): Graph {
  const ids = new Map<unknown, number>();
  const id = (thing: unknown): number => {
    if (!ids.has(thing)) ids.set(thing, ids.size);
    return ids.get(thing)!;
  };
  const seen = new Map<string, readonly Value[]>();
  return rewrite(graph, (node) => {
    if (graphsIn(node).length > 0) return undefined;
    const key = JSON.stringify([
      node.op,
      node.inputs.map(id),
      node.outputs.map((v) => [v.dtype, v.shape]),
      describe(node),
    ], exactly);
    const earlier = seen.get(key);
    if (!earlier) seen.set(key, node.outputs);
    return earlier;
  });
}

/** Tells numbers apart that JSON writes alike: NaN and the infinities become null, and -0 becomes 0. */
function exactly(_: string, value: unknown): unknown {
  if (typeof value !== "number" || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return value === 0 ? "-0" : String(value);
}

/** Attributes as text; small constants by their numbers. */
function describe({ attributes }: Node): unknown {
  const value = attributes.value as HostTensor | number | undefined;
  return typeof value === "object" ? [...value.data] : attributes;
}

/** Drops every node whose outputs reach no output of the graph. */
export function dropUnused(graph: Graph): Graph {
  const live = new Set<Node>();
  const pending = Object.values(graph.outputs).map((value) => value.node);
  while (pending.length > 0) {
    const node = pending.pop();
    if (!node || live.has(node)) continue;
    live.add(node);
    for (const input of node.inputs) pending.push(input.node);
  }
  return { ...graph, nodes: graph.nodes.filter((node) => live.has(node)) };
}
