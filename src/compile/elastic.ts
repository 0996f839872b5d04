/**
 * Graphs of one function that differ in a size alone, as one graph for any size. What grows with the size is found by comparing
 * the graphs of two sizes: an extent that differs is taken to be slope * size + offset.
 */
import type { HostTensor } from "../tensor/host_tensor.ts";
import { type Attribute, type Graph, graphsIn, isGraph, type Node, rewrite, sameShape, type Value } from "./ir.ts";

/** One number of a shape, or of slice bounds, for any size. */
export interface Extent {
  readonly slope: number;
  readonly offset: number;
}

export interface Sized {
  readonly graph: Graph;
  readonly size: number;
}

/** A graph, and which of its numbers grow. */
export interface ElasticGraph {
  /** As it is for one size. */
  readonly graph: Graph;
  /** A value's shape for any size, or null if it is always the same. */
  shapeOf(value: Value): readonly Extent[] | null;
  /** The same for a node's attribute that is a list of numbers. */
  attributeOf(node: Node, key: string): readonly Extent[] | null;
}

/** A graph of which no number grows. */
export const rigid = (graph: Graph): ElasticGraph => ({ graph, shapeOf: () => null, attributeOf: () => null });

/** Numbers for a size. @throws RangeError if one that grows would not be a whole number, or below zero */
export function extentsAt(extents: readonly Extent[], size: number): number[] {
  return extents.map(({ slope, offset }) => {
    const extent = slope * size + offset;
    // What does not grow is as it was written, such as the -1 of a shape that stands for what is left.
    if (slope === 0 || (Number.isInteger(extent) && extent >= 0)) return extent;
    throw new RangeError(`A graph has no size "${size}": an extent of ${slope} times it plus ${offset} is none`);
  });
}

/** Lists of numbers that a node may have where they grow; all other attributes are the same for all sizes. */
const LISTS = new Set(["shape", "starts", "ends", "split", "repeats"]);

/** Graphs of one function differ in more than sizes, or have sizes that are no whole numbers everywhere. */
export class NotElastic extends Error {}

/**
 * Joins the graphs of two sizes.
 * @param unit that all sizes are multiples of
 * @throws NotElastic naming what differs
 */
export function joinSizes(one: Sized, other: Sized, unit = 1): ElasticGraph {
  const { graph, twins } = pair(expandFills(one.graph, other.graph), expandFills(other.graph, one.graph));
  const extents = (a: readonly number[], b: readonly number[]): readonly Extent[] | null => {
    if (sameShape(a, b)) return null;
    return a.map((n, i) => {
      const slope = (b[i]! - n) / (other.size - one.size), offset = n - slope * one.size;
      if (Number.isInteger(slope * unit) && Number.isInteger(offset)) return { slope, offset };
      throw new NotElastic(
        `An extent of ${n} for size ${one.size} is ${b[i]} for ${other.size}: not whole for all sizes`,
      );
    });
  };
  // Whoever asks later must not be the first to find an extent that cannot be.
  for (const [key, twin] of twins) if ("shape" in key) extents(key.shape, (twin as Value).shape);
  return {
    graph,
    shapeOf: (value) => extents(value.shape, (twins.get(value) as Value).shape),
    attributeOf: (node, key) => {
      const [a, b] = [node, twins.get(node) as Node].map(({ attributes }) => attributes[key] as readonly number[]);
      return a && b ? extents(a, b) : null;
    },
  };
}

/** Writes constants that grow as one number, expanded: a model's constants have fixed shapes. */
function expandFills(graph: Graph, other: Graph): Graph {
  const growing = new Set(graph.nodes.filter(({ op, outputs }, i) => {
    return op === "Constant" && !sameShape(outputs[0]!.shape, other.nodes[i]?.outputs[0]?.shape ?? []);
  }));
  return rewrite(graph, (node, build) => {
    if (!growing.has(node)) return undefined;
    const { attributes: { fill }, outputs: [output] } = node as Node & { readonly outputs: readonly [Value] };
    if (typeof fill !== "number") throw growingConstant(output);
    const one = build.fill({ dtype: output.dtype, shape: [] }, fill);
    return [build.one("Expand", [one], output, { shape: output.shape })];
  });
}

const growingConstant = ({ shape }: Value) => new NotElastic(`A constant of shape [${shape}] would grow with the size`);

/** Matches values and nodes of two graphs, and of those inside them. */
function pair(graph: Graph, other: Graph) {
  const twins = new Map<Value | Node, Value | Node>();
  match(graph, other, twins);
  return { graph, twins };
}

function match(graph: Graph, other: Graph, twins: Map<Value | Node, Value | Node>): void {
  const fail = (what: string): never => {
    throw new NotElastic(`The graphs of two sizes differ in ${what}, not in sizes alone`);
  };
  for (const name of new Set([...Object.keys(graph.inputs), ...Object.keys(other.inputs)])) {
    const [a, b] = [graph.inputs[name], other.inputs[name]];
    if (a && b) twins.set(a, b);
    else fail(`input "${name}"`);
  }
  if (graph.nodes.length !== other.nodes.length) fail("their number of nodes");
  graph.nodes.forEach((node, i) => {
    const twin = other.nodes[i]!;
    const alike = node.op === twin.op && node.inputs.length === twin.inputs.length &&
      node.inputs.every((value, j) => twins.get(value) === twin.inputs[j]) &&
      node.outputs.length === twin.outputs.length;
    if (!alike || !sameAttributes(node, twin)) fail(`node ${i}, ${node.op} and ${twin.op}`);
    // Constants that grow have been written as one number, expanded, in the outermost graph only.
    const [output] = node.outputs as [Value];
    if (node.op === "Constant" && !sameShape(output.shape, twin.outputs[0]!.shape)) throw growingConstant(output);
    const others = graphsIn(twin);
    graphsIn(node).forEach((inside, j) => match(inside, others[j]!, twins));
    twins.set(node, twin);
    node.outputs.forEach((value, j) => twins.set(value, twin.outputs[j]!));
  });
  for (const [name, value] of Object.entries(graph.outputs)) {
    if (twins.get(value) !== other.outputs[name]) fail(`output "${name}"`);
  }
}

function sameAttributes(a: Node, b: Node): boolean {
  const keys = Object.keys(a.attributes);
  return keys.length === Object.keys(b.attributes).length &&
    keys.every((key) => sameAttribute(a.attributes[key]!, b.attributes[key], LISTS.has(key)));
}

function sameAttribute(a: Attribute, b: Attribute | undefined, grows: boolean): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && (grows ? a.length === b.length : sameShape(a, b));
  if (typeof a !== "object") return Object.is(a, b);
  if (isGraph(a)) return isGraph(b);
  const { shape, data } = a as HostTensor, twin = b as HostTensor;
  return sameShape(shape, twin.shape) && data.every((n, i) => Object.is(n, twin.data[i]));
}
