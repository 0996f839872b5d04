/**
 * The graph that tracing writes and passes rewrite: nodes are ONNX operators, values are typed and statically shaped.
 *
 * What ONNX wants as extra inputs but is known while tracing (a target shape, slice bounds, axes) stays an attribute here;
 * the emitter turns it into an input. A node's outputs know their node, so a pass can look backwards from any value.
 */
import type { DType, HostTensor } from "../tensor/host_tensor.ts";

/** A graph in a node is one that the node may run, the node's inputs in the place of the graph's, in their order. */
export type Attribute = number | string | readonly number[] | HostTensor | Graph;
export type Attributes = Readonly<Record<string, Attribute>>;

export interface Value {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The node that makes this value, or null for a graph input. */
  readonly node: Node | null;
}

export interface Node {
  /**
   * ONNX operator, or `Constant` with attribute `value` (a tensor) or `fill` (one number everywhere). The inputs of an `If` are the
   * bool that decides, and after it those of its graphs `then_branch` and `else_branch`, of which it returns the outputs.
   */
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
}

export interface Graph {
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: Readonly<Record<string, Value>>;
  /** In an order in which every node comes after the nodes it reads. */
  readonly nodes: readonly Node[];
}

export type ValueType = Pick<Value, "dtype" | "shape">;

/** Makes a node, not yet part of any graph. */
export function makeNode(
  op: string,
  inputs: readonly Value[],
  types: readonly ValueType[],
  attributes: Attributes,
): Node {
  const outputs: Value[] = [];
  const node: Node = { op, inputs, attributes, outputs };
  for (const { dtype, shape } of types) outputs.push({ dtype, shape: shape.slice(), node });
  return node;
}

/** Appends nodes to a list that becomes a graph's. */
export class Builder {
  readonly nodes: Node[] = [];

  /** Adds a node and returns its outputs. */
  many(
    op: string,
    inputs: readonly Value[],
    types: readonly ValueType[],
    attributes: Attributes = {},
  ): readonly Value[] {
    const node = makeNode(op, inputs, types, attributes);
    this.nodes.push(node);
    return node.outputs;
  }

  /** Adds a node with one output and returns it. */
  one(op: string, inputs: readonly Value[], type: ValueType, attributes: Attributes = {}): Value {
    return this.many(op, inputs, [type], attributes)[0] as Value;
  }

  /** Adds a constant that holds one number everywhere. */
  fill(type: ValueType, value: number): Value {
    return this.one("Constant", [], type, { fill: value });
  }

  /** Adds a constant. */
  constant(value: HostTensor): Value {
    return this.one("Constant", [], value, { value });
  }

  /** Adds the numbers of a tensor from a place on each axis, `starts`, up to another, `ends`. */
  slice(x: Value, starts: readonly number[], ends: readonly number[]): Value {
    const shape = ends.map((end, axis) => end - starts[axis]!), steps = ends.map(() => 1);
    return this.one("Slice", [x], { dtype: x.dtype, shape }, { starts, ends, steps });
  }

  /** A range along one axis: the tensor itself if it is all of it, what it was put together from if it is just that. */
  part(x: Value, axis: number, from: number, to: number): Value {
    if (from === 0 && to === x.shape[axis]) return x;
    let at = 0;
    for (const piece of x.node?.op === "Concat" && x.node.attributes.axis === axis ? x.node.inputs : []) {
      if (at === from && at + piece.shape[axis]! === to) return piece;
      at += piece.shape[axis]!;
    }
    return this.slice(x, x.shape.map((_, i) => i === axis ? from : 0), x.shape.map((n, i) => i === axis ? to : n));
  }

  /** Adds a product of two matrices, a Gemm, or of stacks of them, a FusedMatMul; both can read an operand transposed. */
  matMul(a: Value, b: Value, transposeA = false, transposeB = false): Value {
    const rows = a.shape.at(transposeA ? -1 : -2)!, columns = b.shape.at(transposeB ? -2 : -1)!;
    const shape = [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns];
    const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0, alpha: 1 };
    return this.one(shape.length === 2 ? "Gemm" : "FusedMatMul", [a, b], { dtype: a.dtype, shape }, attributes);
  }
}

/** The number that a constant holds everywhere, or undefined for any other value. */
export function uniformValue(value: Value): number | undefined {
  const fill = value.node?.op === "Constant" ? value.node.attributes.fill : undefined;
  return typeof fill === "number" ? fill : undefined;
}

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** The shape of an elementwise result. @throws RangeError naming both shapes if they do not broadcast */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const m = a[i - rank + a.length] ?? 1, n = b[i - rank + b.length] ?? 1;
    if (m !== n && m !== 1 && n !== 1) throw new RangeError(`Shapes [${a}] and [${b}] do not broadcast`);
    return m === 1 ? n : m;
  });
}

/** How often each value is read, graph outputs included. */
export function countUses(graph: Graph): Map<Value, number> {
  const uses = new Map<Value, number>();
  const add = (value: Value) => uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(add);
  Object.values(graph.outputs).forEach(add);
  return uses;
}

/**
 * Rebuilds a graph node by node.
 * @param visit gets each node with its inputs already rewritten; returns the values that stand in for its outputs (made with
 * `build` or found among its ancestors), or undefined to keep the node; `origin` tells which value of the old graph a new one
 * stands for
 */
export function rewrite(
  graph: Graph,
  visit: (node: Node, build: Builder, origin: (value: Value) => Value) => readonly Value[] | undefined,
): Graph {
  const build = new Builder();
  const renamed = new Map<Value, Value>();
  const origins = new Map<Value, Value>();
  const follow = (value: Value) => renamed.get(value) ?? value;
  const origin = (value: Value) => origins.get(value) ?? value;
  for (const old of graph.nodes) {
    const inputs = old.inputs.map(follow);
    const node = inputs.every((v, i) => v === old.inputs[i])
      ? old
      : makeNode(old.op, inputs, old.outputs, old.attributes);
    if (node !== old) node.outputs.forEach((value, i) => origins.set(value, old.outputs[i]!));
    let outputs = visit(node, build, origin);
    if (!outputs) {
      build.nodes.push(node);
      outputs = node.outputs;
    }
    old.outputs.forEach((value, i) => {
      const next = (outputs as readonly Value[])[i] as Value;
      if (next.dtype !== value.dtype || !sameShape(next.shape, value.shape)) {
        throw new Error(`A pass replaced ${old.op} [${value.shape}] ${value.dtype} by [${next.shape}] ${next.dtype}`);
      }
      if (next === value) return;
      renamed.set(value, next);
      if (!origins.has(next)) origins.set(next, value);
    });
  }
  const outputs = Object.fromEntries(Object.entries(graph.outputs).map(([name, value]) => [name, follow(value)]));
  return { inputs: graph.inputs, outputs, nodes: build.nodes };
}

/** Whether an attribute is a graph. */
export function isGraph(attribute: Attribute | undefined): attribute is Graph {
  return typeof attribute === "object" && "nodes" in attribute;
}

/** The graphs inside a node. */
export function graphsIn({ attributes }: Node): Graph[] {
  return Object.values(attributes).filter(isGraph);
}

/** Applies a pass to a graph and to all graphs inside it, these first. */
export function everywhere(graph: Graph, pass: (graph: Graph) => Graph): Graph {
  const hasGraphs = (node: Node): boolean => graphsIn(node).length > 0;
  if (!graph.nodes.some(hasGraphs)) return pass(graph);
  return pass(rewrite(graph, (node, build) => {
    if (!hasGraphs(node)) return undefined;
    const { op, inputs, attributes, outputs } = node;
    const rewritten = Object.entries(attributes).map(([key, value]) => {
      return [key, isGraph(value) ? everywhere(value, pass) : value] as const;
    });
    return build.many(op, inputs, outputs, Object.fromEntries(rewritten));
  }));
}
