/**
 * Every TensorFlow.js kernel that a traced function may use, written as ONNX nodes.
 *
 * One line per kernel where the two agree. A kernel that is missing here makes tracing fail with its name.
 */
import * as tf from "@tensorflow/tfjs";
import type { DType } from "../tensor/host_tensor.ts";
import { float32, int32, sizeOf } from "../tensor/host_tensor.ts";
import { broadcastShape, type Builder, type Graph, type Value } from "./ir.ts";
import type { Ways } from "./shortcut.ts";
import { registerTraceKernel, trace } from "./tracer.ts";

const { parseAxisParam } = tf.util;

function binary(build: Builder, op: string, a: Value, b: Value, dtype: DType = a.dtype): Value {
  return build.one(op, [a, b], { dtype, shape: broadcastShape(a.shape, b.shape) });
}

function unary(build: Builder, op: string, x: Value): Value {
  return build.one(op, [x], x);
}

function cast(build: Builder, x: Value, dtype: DType): Value {
  return x.dtype === dtype ? x : build.one("Cast", [x], { dtype, shape: x.shape }, { to: dtype });
}

function reshape(build: Builder, x: Value, shape: readonly number[]): Value {
  return build.one("Reshape", [x], { dtype: x.dtype, shape }, { shape });
}

const BINARY = {
  Add: "Add",
  Sub: "Sub",
  Multiply: "Mul",
  RealDiv: "Div",
  Maximum: "Max",
  Minimum: "Min",
  Pow: "Pow",
} as const;

const COMPARISON = {
  Greater: "Greater",
  GreaterEqual: "GreaterOrEqual",
  Less: "Less",
  LessEqual: "LessOrEqual",
  Equal: "Equal",
  LogicalAnd: "And",
  LogicalOr: "Or",
} as const;

const UNARY = {
  Neg: "Neg",
  Sqrt: "Sqrt",
  Exp: "Exp",
  Log: "Log",
  Sigmoid: "Sigmoid",
  Erf: "Erf",
  Tanh: "Tanh",
  Relu: "Relu",
  Abs: "Abs",
  Sign: "Sign",
  Round: "Round",
  Floor: "Floor",
  Ceil: "Ceil",
  Softplus: "Softplus",
  LogicalNot: "Not",
  Reciprocal: "Reciprocal",
} as const;

for (const [kernel, op] of Object.entries(BINARY)) {
  registerTraceKernel(kernel, ({ a, b }, _, { build, value }) => binary(build, op, value(a!), value(b!)));
}
for (const [kernel, op] of Object.entries(COMPARISON)) {
  registerTraceKernel(kernel, ({ a, b }, _, { build, value }) => binary(build, op, value(a!), value(b!), "bool"));
}
for (const [kernel, op] of Object.entries(UNARY)) {
  registerTraceKernel(kernel, ({ x }, _, { build, value }) => unary(build, op, value(x!)));
}

registerTraceKernel("NotEqual", ({ a, b }, _, { build, value }) => {
  return unary(build, "Not", binary(build, "Equal", value(a!), value(b!), "bool"));
});
registerTraceKernel("SquaredDifference", ({ a, b }, _, { build, value }) => {
  const difference = binary(build, "Sub", value(a!), value(b!));
  return binary(build, "Mul", difference, difference);
});
registerTraceKernel("AddN", (inputs, _, { build, value }) => {
  return Object.values(inputs).map(value).reduce((a, b) => binary(build, "Add", a, b));
});
registerTraceKernel("Square", ({ x }, _, { build, value }) => binary(build, "Mul", value(x!), value(x!)));
registerTraceKernel("Rsqrt", ({ x }, _, { build, value }) => {
  return unary(build, "Reciprocal", unary(build, "Sqrt", value(x!)));
});
registerTraceKernel("Step", ({ x }, { alpha }, { build, value }) => {
  const input = value(x!), scalar = { dtype: input.dtype, shape: [] };
  const positive = binary(build, "Greater", input, build.fill(scalar, 0), "bool");
  const one = build.fill(scalar, 1), slope = build.fill(scalar, alpha as number);
  return build.one("Where", [positive, one, slope], input);
});
registerTraceKernel("ClipByValue", ({ x }, { clipValueMin, clipValueMax }, { build, value }) => {
  const input = value(x!), scalar = { dtype: input.dtype, shape: [] };
  const bounds = [build.fill(scalar, clipValueMin as number), build.fill(scalar, clipValueMax as number)];
  return build.one("Clip", [input, ...bounds], input);
});

registerTraceKernel("Identity", ({ x }, _, { value }) => value(x!));
registerTraceKernel("Cast", ({ x }, { dtype }, { build, value }) => cast(build, value(x!), dtype as DType));
registerTraceKernel("ZerosLike", ({ x }, _, { build, value }) => build.fill(value(x!), 0));
registerTraceKernel("OnesLike", ({ x }, _, { build, value }) => build.fill(value(x!), 1));
registerTraceKernel("Fill", (_, { shape, value, dtype }, { build }) => {
  return build.fill({ shape: shape as number[], dtype: (dtype ?? "float32") as DType }, value as number);
});
registerTraceKernel("Range", (_, { start, stop, step, dtype }, { build }) => {
  const from = start as number, to = stop as number;
  // TensorFlow.js counts down by itself when no step, that is a step of 1, is given.
  const by = to < from && step === 1 ? -1 : step as number;
  const length = Math.max(0, Math.ceil((to - from) / by)), numbers = Array.from({ length }, (_, i) => from + i * by);
  return build.constant(dtype === "int32" ? int32([length], numbers) : float32([length], numbers));
});

registerTraceKernel("Reshape", ({ x }, { shape }, { build, value }) => {
  const input = value(x!);
  return reshape(build, input, tf.util.inferFromImplicitShape(shape as number[], sizeOf(input.shape)));
});
registerTraceKernel("ExpandDims", ({ input }, { dim }, { build, value }) => {
  const x = value(input!), shape = x.shape.slice();
  shape.splice((dim as number) < 0 ? shape.length + 1 + (dim as number) : dim as number, 0, 1);
  return reshape(build, x, shape);
});
registerTraceKernel("Transpose", ({ x }, { perm }, { build, value }) => {
  const input = value(x!), order = perm as number[];
  return build.one("Transpose", [input], { dtype: input.dtype, shape: order.map((i) => input.shape[i]!) }, {
    perm: order,
  });
});
registerTraceKernel("Slice", ({ x }, { begin, size }, { build, value }) => {
  const [starts, sizes] = tf.slice_util.parseSliceParams(x as tf.Tensor, begin as number[], size as number[]);
  return build.slice(value(x!), starts!, starts!.map((start, i) => start + sizes![i]!));
});
registerTraceKernel("Reverse", ({ x }, { dims }, { build, value }) => {
  const input = value(x!), reversed = parseAxisParam(dims as number[], x!.shape);
  const backwards = (i: number) => reversed.includes(i);
  return build.one("Slice", [input], input, {
    starts: input.shape.map((n, i) => backwards(i) ? n - 1 : 0),
    ends: input.shape.map((n, i) => backwards(i) ? -n - 1 : n),
    steps: input.shape.map((_, i) => backwards(i) ? -1 : 1),
  });
});
registerTraceKernel("PadV2", ({ x }, { paddings, constantValue }, { build, value }) => {
  // A constant is put beside the tensor, axis by axis: ONNX Runtime concatenates several times faster than it pads.
  return (paddings as [number, number][]).reduce((input, pair, axis) => {
    const beside = pair.map((n) => {
      const shape = input.shape.map((m, i) => i === axis ? n : m);
      return n === 0 ? [] : [build.fill({ dtype: input.dtype, shape }, constantValue as number)];
    });
    const parts = [...beside[0]!, input, ...beside[1]!], shape = input.shape.slice();
    shape[axis]! += pair[0] + pair[1];
    return parts.length === 1 ? input : build.one("Concat", parts, { dtype: input.dtype, shape }, { axis });
  }, value(x!));
});
registerTraceKernel("Concat", (inputs, { axis }, { build, value }) => {
  const parts = Object.values(inputs).map(value), first = parts[0]!;
  const [along] = parseAxisParam(axis as number, first.shape.slice());
  const shape = first.shape.slice();
  shape[along!] = parts.reduce((sum, part) => sum + part.shape[along!]!, 0);
  return build.one("Concat", parts, { dtype: first.dtype, shape }, { axis: along! });
});
registerTraceKernel("Pack", (inputs, { axis }, { build, value }) => {
  const parts = Object.values(inputs).map(value), first = parts[0]!;
  const at = (axis as number) < 0 ? first.shape.length + 1 + (axis as number) : axis as number;
  const single = first.shape.slice();
  single.splice(at, 0, 1);
  const shape = single.slice();
  shape[at] = parts.length;
  return build.one("Concat", parts.map((part) => reshape(build, part, single)), { dtype: first.dtype, shape }, {
    axis: at,
  });
});
function split(build: Builder, x: Value, sizes: readonly number[], axis: number): readonly Value[] {
  const types = sizes.map((size) => ({ dtype: x.dtype, shape: x.shape.map((n, i) => i === axis ? size : n) }));
  return build.many("Split", [x], types, { axis, split: sizes });
}
registerTraceKernel("SplitV", ({ x }, { numOrSizeSplits, axis }, { build, value }) => {
  const [along] = parseAxisParam(axis as number, x!.shape);
  const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits as number[], along);
  return split(build, value(x!), sizes, along!);
});
registerTraceKernel("Unpack", ({ value: x }, { axis }, { build, value }) => {
  const input = value(x!), [along] = parseAxisParam(axis as number, x!.shape);
  const shape = input.shape.filter((_, i) => i !== along);
  return split(build, input, new Array(input.shape[along!]!).fill(1), along!).map((part) =>
    reshape(build, part, shape)
  );
});
registerTraceKernel("Tile", ({ x }, { reps }, { build, value }) => {
  const input = value(x!), repeats = reps as number[];
  return build.one("Tile", [input], { dtype: input.dtype, shape: input.shape.map((n, i) => n * repeats[i]!) }, {
    repeats,
  });
});
registerTraceKernel("BroadcastTo", ({ x }, { shape }, { build, value }) => {
  const input = value(x!);
  return build.one("Expand", [input], { dtype: input.dtype, shape: shape as number[] }, { shape: shape as number[] });
});
registerTraceKernel("Select", ({ condition, t, e }, _, { build, value }) => {
  const yes = value(t!), test = value(condition!);
  return build.one("Where", [test, yes, value(e!)], { dtype: yes.dtype, shape: broadcastShape(test.shape, yes.shape) });
});

registerTraceKernel("GatherV2", ({ x, indices }, { axis, batchDims }, { build, value }) => {
  if (batchDims) throw new Error("GatherV2 with batchDims has no ONNX form here");
  const input = value(x!), at = value(indices!), [along] = parseAxisParam(axis as number, x!.shape);
  const shape = [...input.shape.slice(0, along), ...at.shape, ...input.shape.slice(along! + 1)];
  return build.one("Gather", [input, at], { dtype: input.dtype, shape }, { axis: along! });
});
registerTraceKernel("UnsortedSegmentSum", ({ x, segmentIds }, { numSegments }, { build, value }) => {
  // ScatterElements adds one element after the other, so the sum's order, and with it its bits, are fixed. Ids lie in
  // [0, numSegments), as those of a gather do; TensorFlow.js would leave out others.
  const input = value(x!), ids = value(segmentIds!), tail = input.shape.slice(ids.shape.length);
  const column = reshape(build, ids, [...ids.shape, ...tail.map(() => 1)]);
  const index = build.one("Expand", [column], { dtype: "int32", shape: input.shape }, { shape: input.shape });
  const zeros = build.fill({ dtype: input.dtype, shape: [numSegments as number, ...tail] }, 0);
  return build.one("ScatterElements", [zeros, index, input], zeros, { axis: 0, reduction: "add" });
});
registerTraceKernel("OneHot", ({ indices }, { depth, onValue, offValue, dtype }, { build, value }) => {
  const at = value(indices!), classes = Int32Array.from({ length: depth as number }, (_, i) => i);
  const range = build.constant(int32([classes.length], classes));
  const hot = binary(build, "Equal", reshape(build, at, [...at.shape, 1]), range, "bool");
  const scalar = { dtype: (dtype ?? "int32") as DType, shape: [] };
  const values = [build.fill(scalar, onValue as number), build.fill(scalar, offValue as number)];
  return build.one("Where", [hot, ...values], { dtype: scalar.dtype, shape: hot.shape });
});

function reduce(build: Builder, op: string, x: Value, axis: unknown, keepDims: unknown): Value {
  const axes = parseAxisParam((axis ?? x.shape.map((_, i) => i)) as number[], x.shape.slice());
  const shape = keepDims
    ? x.shape.map((n, i) => axes.includes(i) ? 1 : n)
    : x.shape.filter((_, i) => !axes.includes(i));
  if (axes.length === 0) return x;
  return build.one(op, [x], { dtype: x.dtype, shape }, { axes, keepdims: keepDims ? 1 : 0 });
}
registerTraceKernel("Sum", ({ x }, { axis, keepDims }, { build, value }) => {
  const input = value(x!);
  return reduce(build, "ReduceSum", input.dtype === "bool" ? cast(build, input, "int32") : input, axis, keepDims);
});
registerTraceKernel("Mean", ({ x }, { axis, keepDims }, { build, value }) => {
  return reduce(build, "ReduceMean", cast(build, value(x!), "float32"), axis, keepDims);
});
registerTraceKernel("Max", ({ x }, { reductionIndices, keepDims }, { build, value }) => {
  return reduce(build, "ReduceMax", value(x!), reductionIndices, keepDims);
});
registerTraceKernel("Min", ({ x }, { axis, keepDims }, { build, value }) => {
  return reduce(build, "ReduceMin", value(x!), axis, keepDims);
});
registerTraceKernel("Softmax", ({ logits }, { dim }, { build, value }) => {
  const input = value(logits!);
  return build.one("Softmax", [input], input, { axis: dim as number });
});
registerTraceKernel("BatchMatMul", ({ a, b }, { transposeA, transposeB }, { build, value }) => {
  return build.matMul(value(a!), value(b!), Boolean(transposeA), Boolean(transposeB));
});

// The composite of src/deberta/composites.ts.
registerTraceKernel("LayerNorm", ({ x, gamma, beta }, { epsilon }, { build, value }) => {
  const input = value(x!), row = { dtype: input.dtype, shape: [...input.shape.slice(0, -1), 1] };
  const attributes = { axis: -1, epsilon: epsilon as number };
  return build.many("LayerNormalization", [input, value(gamma!), value(beta!)], [input, row, row], attributes);
});

// Of src/quantization/quantize.ts; passes/open_rows.ts says what becomes of it.
registerTraceKernel("OpenRows", ({ mixture }, _, { build, value }) => {
  const weights = value(mixture!), [groups, , count] = weights.shape as [number, number, number];
  return build.one("OpenRows", [weights], { dtype: "float32", shape: [groups, count, count] });
});

// Of shortcut.ts; passes/shortcuts.ts is for the runtimes that take no shortcuts.
registerTraceKernel("Shortcut", ({ applies, ...given }, ways, { build, value }) => {
  const { quick, general } = ways as unknown as Ways<Record<string, tf.Tensor>>;
  const read = Object.entries(given).map(([name, x]) => [name, value(x)] as const);
  const [then_branch, else_branch] = [quick, general].map((way) =>
    trace(Object.fromEntries(read), (given) => Object.fromEntries(way(given).map((y, i) => [`result ${i}`, y])))
  ) as [Graph, Graph];
  if ([then_branch, else_branch].some(({ inputs }) => Object.keys(inputs).length > read.length)) {
    throw new Error("A shortcut cannot draw random numbers: pass them to it");
  }
  const [types, others] = [else_branch, then_branch].map(({ outputs }) => Object.values(outputs)) as [Value[], Value[]];
  const describe = (values: readonly Value[]) => values.map(({ dtype, shape }) => `${dtype} [${shape}]`).join(", ");
  if (describe(types) !== describe(others)) {
    throw new Error(`A shortcut makes ${describe(others)} where the general way makes ${describe(types)}`);
  }
  return build.many("If", [value(applies!), ...read.map(([, x]) => x)], types, { then_branch, else_branch });
});
