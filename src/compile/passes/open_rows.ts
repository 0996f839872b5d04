/**
 * What becomes of `OpenRows`, which makes of a stack of rows of weights [G, 1, K] a stack of matrices [G, K, K]: the rows of the
 * identity that pick those weights of a row that are not 0, in their order, and rows of zeros below them.
 */
import { type Builder, type Graph, graphsIn, rewrite, sameShape, type Value } from "../ir.ts";
import { float32, int32 } from "../../tensor/host_tensor.ts";
import { dropUnused } from "./prune.ts";

/**
 * Leaves out the rows that are zeros in every matrix of a stack. How many those are turns out when the graph runs: where such a
 * matrix was used, K then stands for "at most K", and nothing may be reshaped along it. A closed row's weight gets no gradient,
 * which changes roundings only: in the gradients of gates, which go from grid to grid, it would be added and subtracted again.
 * @param keepsOne whether one row stays where all are zeros: `sumByColumns` makes a stack of them, which must not be empty
 */
export function dropClosedRows(graph: Graph, { keepsOne = false } = {}): Graph {
  return rewrite(graph, ({ op, inputs, outputs }, build) => {
    return op === "OpenRows" ? [openRows(build, inputs[0]!, outputs[0]!, keepsOne)] : undefined;
  });
}

function openRows(build: Builder, weights: Value, output: Value, keepsOne: boolean): Value {
  const count = output.shape[2]!, row = weights.shape, places = Array.from({ length: count }, (_, i) => i);
  if (row[0] === 1) {
    const flat = build.one("Reshape", [weights], { dtype: "float32", shape: [count] }, { shape: [count] });
    const cast = build.one("Cast", [flat], { dtype: "bool", shape: [count] }, { to: "bool" });
    const open = keepsOne ? build.one("Or", [cast, firstIfNone(build, flat)], cast) : cast;
    const identity = float32(output.shape, places.flatMap((i) => places.map((j) => i === j ? 1 : 0)));
    return build.one("Compress", [build.constant(identity), open], output, { axis: 1 });
  }
  const bool = (op: string, inputs: Value[], shape: readonly number[]) =>
    build.one(op, inputs, { dtype: "bool", shape });
  const float = (x: Value) => build.one("Cast", [x], { dtype: "float32", shape: x.shape }, { to: "float32" });

  const closed = bool("Equal", [weights, build.fill({ dtype: "float32", shape: [] }, 0)], row);
  const open = bool("Not", [closed], row);
  // A weight is picked by the row whose number is that of the open weights before it.
  const earlier = build.constant(float32([1, count, count], places.flatMap((i) => places.map((j) => i < j ? 1 : 0))));
  const before = build.matMul(float(open), earlier);
  const here = bool("Equal", [before, build.constant(float32([1, count, 1], places))], output.shape);
  const rows = float(bool("And", [here, open], output.shape));
  const used = build.one("ReduceMax", [rows], { dtype: "float32", shape: [1, count, 1] }, {
    axes: [0, 2],
    keepdims: 1,
  });
  const number = build.one("ReduceSum", [used], { dtype: "float32", shape: [1] }, { axes: [0, 1], keepdims: 0 });
  const most = keepsOne ? build.one("Max", [number, build.fill(number, 1)], number) : number;
  const end = build.one("Cast", [most], { dtype: "int32", shape: [1] }, { to: "int32" });
  return build.one("Slice", [rows, build.constant(int32([1], [0])), end, build.constant(int32([1], [1]))], output);
}

/** Whether a weight is the first of a row that is zeros. @param flat [K] */
function firstIfNone(build: Builder, flat: Value): Value {
  const size = build.one("Abs", [flat], flat), count = flat.shape[0]!, dtype = "bool";
  const largest = build.one("ReduceMax", [size], { dtype: "float32", shape: [1] }, { axes: [0], keepdims: 1 });
  const none = build.one("Equal", [largest, build.fill(largest, 0)], { dtype, shape: [1] });
  const first = Uint8Array.from({ length: count }, (_, i) => i === 0 ? 1 : 0);
  return build.one("And", [none, build.constant({ dtype, shape: [count], data: first })], { dtype, shape: [count] });
}

/** Operators of which an axis of the result is an axis of the operands, counted from the last one. */
const ALIGNED = new Set(["Add", "Sub", "Mul", "Div", "Concat", "Cast", "Equal", "Not", "And", "Neg", "Exp", "Clip"]);

/**
 * Axes along which a value may be shorter than its shape says, counted from the last one, for values that have such axes: where
 * `dropClosedRows` leaves rows out. What is not known to have kept an axis in its place is taken to be loose along all.
 * @param loose what is known of values that the graph is given
 */
export function looseAxes(
  graph: Graph,
  loose = new Map<Value, ReadonlySet<number>>(),
): Map<Value, ReadonlySet<number>> {
  const none: ReadonlySet<number> = new Set();
  const carry = (from: Value, to: Value) => {
    const axes = loose.get(from);
    if (axes) loose.set(to, new Set([...loose.get(to) ?? none, ...axes]));
  };
  for (const node of graph.nodes) {
    const { op, inputs, attributes, outputs } = node;
    const [a = none, b = none] = inputs.map((value) => loose.get(value) ?? none), axes = new Set<number>();
    if (op === "Compress" || (op === "Slice" && !attributes.ends)) axes.add(-2);
    else if (op === "If") {
      for (const branch of graphsIn(node)) {
        Object.values(branch.inputs).forEach((value, i) => carry(inputs[i + 1]!, value));
        looseAxes(branch, loose);
        Object.values(branch.outputs).forEach((value, i) => carry(value, outputs[i]!));
      }
    } else if (inputs.some((value) => loose.has(value))) {
      if (op === "FusedMatMul") {
        if (a.has(attributes.transA ? -1 : -2)) axes.add(-2);
        if (b.has(attributes.transB ? -2 : -1)) axes.add(-1);
        for (const axis of [...a, ...b]) if (axis < -2) axes.add(axis);
      } else if (op === "Slice") {
        const [starts, ends] = [attributes.starts, attributes.ends] as [readonly number[], readonly number[]];
        // One row there is in any case.
        for (const axis of a) if (starts.at(axis) !== 0 || ends.at(axis) !== 1) axes.add(axis);
      } else if (ALIGNED.has(op)) {
        for (const value of inputs) for (const axis of loose.get(value) ?? none) axes.add(axis);
      } else {
        for (const { shape } of outputs) shape.forEach((_, i) => axes.add(i - shape.length));
      }
    }
    if (axes.size > 0) outputs.forEach((value) => loose.set(value, axes));
  }
  return loose;
}

/** Keeps every row where it is: a product with the rows is the other operand. */
export function keepAllRows(graph: Graph): Graph {
  const kept = rewrite(graph, ({ op, inputs, outputs, attributes }, build) => {
    if (op !== "FusedMatMul" || attributes.alpha !== 1) return undefined;
    const at = inputs.findIndex(({ node }) => node?.op === "OpenRows"), output = outputs[0]!;
    // A product that does more than pick rows is left, for the runtime to refuse: nothing here makes one.
    if (at < 0 || attributes[at === 0 ? "transB" : "transA"]) return undefined;
    const same = inputs[1 - at]!;
    if (sameShape(same.shape, output.shape)) return [same];
    return [build.one("Expand", [same], output, { shape: output.shape })];
  });
  return dropUnused(kept);
}
