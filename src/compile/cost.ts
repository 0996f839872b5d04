/** What a graph takes to run, read off the graph. */
import { type Graph, graphsIn, type Node, type Value } from "./ir.ts";
import { runOrder } from "./order.ts";
import { sizeOf } from "../tensor/host_tensor.ts";

/** Bytes of an element. */
const WIDTHS = { float32: 4, int32: 4, bool: 1 } as const;

/** How many operators a graph has, those of the graphs inside it included. */
export function operatorsOf(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => {
    const own = node.op === "Constant" ? 0 : 1;
    return graphsIn(node).reduce((inside, one) => inside + operatorsOf(one), sum + own);
  }, 0);
}

/** Whether a node is a matrix product. */
export function isProduct({ op }: Node): boolean {
  return op === "Gemm" || op === "FusedMatMul";
}

/** Multiply-accumulates of a matrix product: one for each number of the result and each pair of numbers it sums. */
export function macsOf(product: Node): number {
  const [a] = product.inputs as [Value], inner = a.shape.at(product.attributes.transA ? -2 : -1)!;
  return sizeOf(product.outputs[0]!.shape) * inner;
}

/** Multiply-accumulates of all matrix products of a graph, but for those of the graphs inside it, which a run may do without. */
export function multiplyAccumulates(graph: Graph): number {
  return graph.nodes.filter(isProduct).reduce((sum, node) => sum + macsOf(node), 0);
}

/**
 * The most bytes that a graph's values take up together, run as ONNX Runtime runs it: inputs, outputs and constants always, every
 * other value from the node that makes it to the last that reads it. Reshapes share the bytes of what they reshape. What a graph
 * inside it needs while it runs is not counted.
 */
export function peakBytes(graph: Graph): number {
  const order = runOrder(graph), storage = new Map<Value, Value>(), last = new Map<Value, number>();
  const stored = (value: Value) => storage.get(value) ?? value;
  const bytes = ({ dtype, shape }: Value) => WIDTHS[dtype] * sizeOf(shape);
  const fixed = new Set<Value>(Object.values(graph.inputs));
  order.forEach((node, at) => {
    if (node.op === "Reshape") storage.set(node.outputs[0]!, stored(node.inputs[0]!));
    if (node.op === "Constant") node.outputs.forEach((value) => fixed.add(value));
    for (const input of node.inputs) last.set(stored(input), at);
  });
  Object.values(graph.outputs).forEach((value) => last.set(stored(value), Infinity));

  let live = [...fixed].reduce((sum, value) => sum + (isUniform(value) ? 0 : bytes(value)), 0), peak = live;
  order.forEach((node, at) => {
    const made = node.outputs.filter((value) => stored(value) === value && !fixed.has(value));
    for (const value of made) live += bytes(value);
    peak = Math.max(peak, live);
    const read = new Set([...node.inputs, ...made].map(stored));
    for (const value of read) if (!fixed.has(value) && (last.get(value) ?? at) === at) live -= bytes(value);
  });
  return peak;
}

/** A constant that is one number everywhere is stored as that number. */
function isUniform({ node }: Value): boolean {
  return node?.op === "Constant" && typeof node.attributes.fill === "number";
}
