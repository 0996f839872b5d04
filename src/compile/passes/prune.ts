/** Computes equal things once and drops what nothing reads. */
import { Buffer } from "node:buffer";
import { type Attribute, type Graph, graphsIn, type Node, rewrite, type Value } from "../ir.ts";

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
    const types = node.outputs.map(({ dtype, shape }) => `${dtype}[${shape}]`);
    const key = [node.op, node.inputs.map(id), types, attributesOf(node)].join(" ");
    const earlier = seen.get(key);
    if (!earlier) seen.set(key, node.outputs);
    return earlier;
  });
}

/** Attributes as text, different where they are. */
function attributesOf({ attributes }: Node): string {
  return Object.entries(attributes).map(([name, value]) => `${name}=${textOf(value)}`).join(" ");
}

function textOf(value: Attribute): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : `${value}`;
  if (typeof value === "string" || !("data" in value)) return JSON.stringify(value);
  const { buffer, byteOffset, byteLength } = value.data;
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
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
