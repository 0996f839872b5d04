/** What the tests of kernels run: for each mapped kernel, calls that reach it, over shapes, axes and element types. */
import * as tf from "@tensorflow/tfjs";
import { layerNorm } from "../deberta/composites.ts";
import { levelWeights } from "../quantization/gates.ts";
import { levelsOf, quantizeWith } from "../quantization/quantize.ts";
import { bits, normal, positive, spread, whole } from "../engines/testing.ts";
import { float32, type HostTensor, int32 } from "../tensor/host_tensor.ts";
import { shortcut } from "./shortcut.ts";
import { TRACE } from "./tracer.ts";

type Tensor = tf.Tensor;

export interface Case {
  readonly inputs: readonly HostTensor[];
  // deno-lint-ignore no-explicit-any -- operations of TensorFlow.js take tensors of one rank where these tests have many
  readonly apply: (...inputs: any[]) => Tensor | readonly Tensor[];
  /** False where TensorFlow.js has no gradient, or not for these inputs. */
  readonly gradient?: false;
}

const of = (apply: Case["apply"], ...inputs: readonly HostTensor[]): Case => ({ inputs, apply });
const forward = (apply: Case["apply"], ...inputs: readonly HostTensor[]): Case => ({ inputs, apply, gradient: false });

/** Shapes of two operands: equal, one shorter, both stretched, different ranks, scalars, single elements. */
const PAIRS: readonly [number[], number[]][] = [
  [[2, 3], [2, 3]],
  [[2, 3], [3]],
  [[2, 1], [1, 3]],
  [[2, 1], [4, 1, 3]],
  [[2, 3], []],
  [[], [5]],
  [[], []],
  [[1], [2, 2]],
];

type Make = (shape: number[], offset?: number) => HostTensor;
const pairs = (apply: Case["apply"], first: Make = spread, second: Make = first): Case[] =>
  PAIRS.map(([a, b]) => of(apply, first(a), second(b, 0.1)));
const wholes: Make = (shape, offset = 0) => whole(shape, -4, 5, offset);
const flags: Make = (shape, offset = 0) => bits(shape, offset);
/** Two operands where TensorFlow.js has a gradient for equal shapes only. */
const pairsOfEquals = (apply: Case["apply"]): Case[] =>
  pairs(apply).map((one) => {
    const [a, b] = one.inputs as [HostTensor, HostTensor];
    return String(a.shape) === String(b.shape) ? one : { ...one, gradient: false };
  });
const numbers = (apply: Case["apply"]): Case[] => [...pairs(apply), ...pairs(apply, wholes)];
/** Few different values, so that equal ones meet. */
const coarse: Make = (shape, offset) =>
  float32(shape, Array.from(wholes(shape, offset).data, (x) => Math.trunc(x / 2)));
const comparison = (apply: Case["apply"]): Case[] => [...pairs(apply, coarse), ...pairs(apply, wholes)];
const each = (apply: Case["apply"], make: Make = spread): Case[] =>
  [[2, 3], [7], [], [1, 1], [2, 1, 3, 2]].map((shape) => of(apply, make(shape)));

/** Reductions over every kind of axis argument. */
const reductions = (apply: (x: Tensor, axis?: number | number[], keepDims?: boolean) => Tensor): Case[] => [
  ...[undefined, 0, 1, -1, [0, 2], [-1, -2], [0, 1, 2]].flatMap((axis) =>
    [false, true].map((keep) => of((x) => apply(x, axis, keep), spread([2, 3, 4])))
  ),
  of((x) => apply(x, 0), spread([5])),
  of((x) => apply(x, 1, true), spread([3, 1])),
  of((x) => apply(x), spread([])),
  of((x) => apply(x, []), spread([2, 2])),
];

const product = (a: number[], b: number[], transposeA = false, transposeB = false): Case =>
  of((x, y) => tf.matMul(x, y, transposeA, transposeB), normal(a, 1, "a"), normal(b, 1, "b"));

/** One list of cases for each mapped kernel. */
export const CASES: Readonly<Record<string, readonly Case[]>> = {
  Add: numbers(tf.add),
  Sub: numbers(tf.sub),
  Multiply: numbers(tf.mul),
  RealDiv: pairs(tf.div, spread, positive),
  Maximum: [...pairsOfEquals(tf.maximum), ...pairs(tf.maximum, wholes)],
  Minimum: [...pairsOfEquals(tf.minimum), ...pairs(tf.minimum, wholes)],
  Pow: [
    ...pairs(tf.pow, positive, spread),
    of((x) => tf.pow(x, 2), spread([2, 3])),
    of((x) => tf.pow(x, 3), wholes([4])),
  ],
  Greater: comparison(tf.greater),
  GreaterEqual: comparison(tf.greaterEqual),
  Less: comparison(tf.less),
  LessEqual: comparison(tf.lessEqual),
  Equal: [...comparison(tf.equal), ...pairs(tf.equal, flags)],
  NotEqual: [...comparison(tf.notEqual), ...pairs(tf.notEqual, flags)],
  LogicalAnd: pairs(tf.logicalAnd, flags),
  LogicalOr: pairs(tf.logicalOr, flags),
  LogicalNot: each(tf.logicalNot, flags),
  SquaredDifference: pairsOfEquals(tf.squaredDifference),
  AddN: [
    of((a, b, c) => tf.addN([a, b, c]), spread([2, 3]), spread([2, 3], 0.1), spread([2, 3], 0.2)),
    of((a) => tf.addN([a]), spread([4])),
    forward((a, b) => tf.addN([a, b]), wholes([3]), wholes([3], 1)),
  ],

  Neg: [...each(tf.neg), ...each(tf.neg, wholes)],
  Abs: [...each(tf.abs), ...each(tf.abs, wholes)],
  Sign: [...each(tf.sign), forward(tf.sign, float32([3], [-2, 0, 3]))],
  Round: [...each(tf.round), forward(tf.round, float32([8], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.49, 1e9]))],
  Floor: each(tf.floor),
  Ceil: each(tf.ceil),
  Relu: each(tf.relu),
  Step: [...each((x) => tf.step(x)), ...each((x) => tf.step(x, 0.25)), forward(tf.step, float32([3], [-1, 0, 1]))],
  Sqrt: each(tf.sqrt, positive),
  Rsqrt: each(tf.rsqrt, positive),
  Log: each(tf.log, positive),
  Reciprocal: each(tf.reciprocal),
  Square: each(tf.square),
  Exp: each(tf.exp),
  Sigmoid: [...each(tf.sigmoid), forward(tf.sigmoid, float32([4], [-90, -20, 20, 90]))],
  Tanh: each(tf.tanh),
  Erf: each(tf.erf),
  Softplus: each(tf.softplus),
  ClipByValue: [
    ...each((x) => tf.clipByValue(x, -0.5, 0.5)),
    of((x) => tf.clipByValue(x, -1, 2), wholes([2, 5])),
  ],

  Identity: [...each((x) => tf.clone(x)), of((x) => tf.clone(x), flags([3]))],
  Cast: [
    of((x) => tf.cast(x, "float32"), spread([2, 3])),
    of((x) => tf.cast(x, "int32"), float32([6], [-2.7, -1, -0.2, 0.9, 1.5, 3])),
    of((x) => tf.cast(x, "float32"), wholes([2, 3])),
    of((x) => tf.cast(x, "float32"), flags([2, 3])),
    of((x) => tf.cast(x, "int32"), flags([5])),
    of((x) => tf.cast(x, "bool"), float32([4], [0, 1, 0, 2.5])),
    of((x) => tf.cast(x, "bool"), int32([4], [0, 1, -3, 0])),
  ],
  ZerosLike: [...each((x) => tf.zerosLike(x)), of((x) => tf.zerosLike(x), wholes([3])), of(tf.zerosLike, flags([3]))],
  OnesLike: [...each((x) => tf.onesLike(x)), of((x) => tf.onesLike(x), wholes([3])), of(tf.onesLike, flags([3]))],
  Fill: [
    of((x) => tf.mul(x, tf.fill([2, 3], 1.25)), spread([2, 3])),
    of((x) => tf.add(x, tf.fill([3], 2, "int32")), wholes([3])),
    of((x) => tf.logicalAnd(x, tf.fill([3], 1, "bool" as "int32")), flags([3])),
    of(() => tf.fill([], -0.5)),
  ],
  Range: [
    of((x) => tf.mul(x, tf.range(0, 4)), spread([4])),
    of(() => [tf.range(3, 15, 4, "int32"), tf.range(5, -1, -2, "int32"), tf.range(4, 0, 1, "int32")]),
    of(() => [tf.range(0, 1, 0.25), tf.range(1, 0, -0.3), tf.range(2, 2)]),
  ],

  Reshape: [
    of((x) => tf.reshape(x, [3, 2]), spread([2, 3])),
    of((x) => tf.reshape(x, [-1]), spread([2, 3, 2])),
    of((x) => tf.reshape(x, [2, -1, 1]), spread([2, 3])),
    of((x) => tf.reshape(x, []), spread([1, 1])),
    of((x) => tf.reshape(x, [6]), wholes([2, 3])),
    of((x) => tf.reshape(x, [3, 2]), flags([6])),
  ],
  ExpandDims: [0, 1, 2, -1, -2].map((dim) => of((x) => tf.expandDims(x, dim), spread([2, 3]))),
  Transpose: [
    of((x) => tf.transpose(x), spread([2, 3])),
    of((x) => tf.transpose(x, [1, 2, 0]), spread([2, 3, 4])),
    of((x) => tf.transpose(x, [0, 2, 1]), spread([2, 1, 4])),
    of((x) => tf.transpose(x, [3, 1, 0, 2]), spread([2, 3, 1, 2])),
    of((x) => tf.transpose(x), spread([4])),
    of((x) => tf.transpose(x), wholes([2, 3])),
    of((x) => tf.transpose(x), flags([2, 3])),
  ],
  Reverse: [
    of((x) => tf.reverse(x, 0), spread([4, 3])),
    of((x) => tf.reverse(x, [0, -1]), spread([2, 1, 3])),
    of((x) => tf.reverse(x), spread([5])),
    of((x) => tf.reverse(x, 0), wholes([3])),
  ],
  Slice: [
    of((x) => tf.slice(x, [1], [2]), spread([4, 3])),
    of((x) => tf.slice(x, [1, 0], [-1, 2]), spread([4, 3])),
    of((x) => tf.slice(x, [0, 1, 1]), spread([2, 3, 4])),
    of((x) => tf.slice(x, 3), spread([5])),
    of((x) => tf.slice(x, [0, 0], [2, 3]), spread([2, 3])),
    of((x) => tf.slice(x, [1, 1], [1, 1]), wholes([2, 3])),
    of((x) => tf.slice(x, 1, 2), flags([4])),
  ],
  PadV2: [
    of((x) => tf.pad(x, [[1, 2]]), spread([3])),
    of((x) => tf.pad(x, [[0, 1], [2, 0]], 0.5), spread([2, 3])),
    of((x) => tf.pad(x, [[0, 0], [0, 0]]), spread([2, 3])),
    of((x) => tf.pad(x, [[0, 0], [1, 1], [0, 2]], -1), spread([2, 1, 3])),
    of((x) => tf.pad(x, [[1, 0]], 7), wholes([3])),
    of((x) => tf.pad(x, [[1, 1]], 1), flags([3])),
  ],
  Concat: [
    ...[0, 1, -1].map((axis) => of((a, b) => tf.concat([a, b], axis), spread([2, 3]), spread([2, 3], 0.1))),
    of((a, b) => tf.concat([a, b], 1), spread([2, 1, 2]), spread([2, 3, 2])),
    of((a, b, c) => tf.concat([a, b, c]), wholes([1]), wholes([2]), wholes([3])),
    of((a, b) => tf.concat([a, b]), flags([3]), flags([2])),
  ],
  Pack: [
    ...[0, 1, 2, -1].map((axis) => of((a, b) => tf.stack([a, b], axis), spread([2, 3]), spread([2, 3], 0.1))),
    of((a, b) => tf.stack([a, b]), spread([]), spread([], 0.1)),
    of((a) => tf.stack([a], 1), spread([3])),
    of((a, b) => tf.stack([a, b]), wholes([3]), wholes([3], 1)),
  ],
  SplitV: [
    of((x) => tf.split(x, 2), spread([4, 3])),
    of((x) => tf.split(x, [1, 2], 1), spread([4, 3])),
    of((x) => tf.split(x, [1, -1, 2], -1), spread([2, 5])),
    forward((x) => tf.split(x, 1), spread([3])),
    of((x) => tf.split(x, 3, -1)[1]!, spread([2, 3])),
    of((x) => tf.split(x, 2), wholes([4])),
  ],
  Unpack: [
    ...[0, 1, -1].map((axis) => of((x) => tf.unstack(x, axis), spread([2, 3, 2]))),
    forward((x) => tf.unstack(x)[0]!, spread([1, 3])),
    of((x) => tf.unstack(x), spread([3])),
    of((x) => tf.unstack(x), wholes([2, 2])),
  ],
  Tile: [
    of((x) => tf.tile(x, [2, 3]), spread([2, 3])),
    of((x) => tf.tile(x, [1, 1]), spread([2, 3])),
    of((x) => tf.tile(x, [3]), spread([2])),
    of((x) => tf.tile(x, [2, 1, 2]), spread([1, 3, 2])),
    of((x) => tf.broadcastTo(x, [4, 2, 3]), spread([2, 1])),
    of((x) => tf.tile(x, [3]), wholes([2])),
  ],
  // Only gradients ask for this kernel; `tf.broadcastTo` is a Tile.
  BroadcastTo: [[[2, 3], [2, 3]], [[3], [2, 3]], [[2, 1], [4, 2, 3]], [[], [2]]].map(([from, to]) => {
    const apply = (x: Tensor) => {
      const backend = tf.getBackend();
      return backend === TRACE
        ? tf.engine().runKernel("BroadcastTo", { x }, { shape: to! }) as Tensor
        : tf.broadcastTo(x, to!);
    };
    return forward(apply, spread(from!));
  }),
  Select: [
    of((c, a, b) => tf.where(c, a, b), flags([2, 3]), spread([2, 3]), spread([2, 3], 0.1)),
    of((c, a, b) => tf.where(c, a, b), flags([3]), wholes([3]), wholes([3], 1)),
    of((c, a, b) => tf.where(c, a, b), flags([2, 3]), spread([2, 3]), spread([1, 3], 0.1)),
    of((c, a, b) => tf.where(c, a, b), flags([2, 3]), spread([3]), spread([2, 3], 0.1)),
    of((c, a, b) => tf.where(c, a, b), flags([]), spread([]), spread([], 0.1)),
  ],
  GatherV2: [
    of((x, at) => tf.gather(x, at), spread([5, 3]), int32([4], [4, 0, 2, 2])),
    of((x, at) => tf.gather(x, at, 1), spread([2, 4]), int32([3], [3, 1, 1])),
    of((x, at) => tf.gather(x, at, -1), spread([2, 3, 4]), int32([2], [3, 0])),
    of((x, at) => tf.gather(x, at), spread([4, 2]), int32([2, 3], [0, 1, 2, 3, 3, 0])),
    of((x, at) => tf.gather(x, at), spread([4]), int32([1], [2])),
    of((x, at) => tf.gather(x, at), wholes([4, 2]), int32([2], [3, 1])),
  ],
  UnsortedSegmentSum: [
    of((x, ids) => tf.unsortedSegmentSum(x, ids, 4), spread([5, 3]), int32([5], [2, 0, 2, 3, 0])),
    of((x, ids) => tf.unsortedSegmentSum(x, ids, 2), spread([3]), int32([3], [1, 1, 1])),
    of((x, ids) => tf.unsortedSegmentSum(x, ids, 3), spread([2, 2, 2]), int32([2], [1, 0])),
  ],
  OneHot: [
    of((at) => tf.oneHot(at, 4), int32([3], [3, 0, 1])),
    of((at) => tf.oneHot(at, 3, 0.75, -0.25, "float32"), int32([2, 2], [0, 2, 1, 1])),
    of((at) => tf.oneHot(at, 3), int32([3], [-1, 3, 2])),
    of((at, x) => tf.mul(x, tf.oneHot(at, 2)), int32([3], [1, 0, 1]), spread([3, 2])),
  ],

  Sum: [
    ...reductions(tf.sum),
    forward((x) => tf.sum(x, 0), wholes([2, 3])),
    forward((x) => tf.sum(x, 1, true), flags([2, 3])),
  ],
  Mean: [...reductions(tf.mean), forward((x) => tf.mean(x, 0), wholes([2, 3])), forward((x) => tf.mean(x), flags([7]))],
  Max: [...reductions(tf.max), forward((x) => tf.max(x, 0), wholes([2, 3]))],
  Min: [...reductions(tf.min), forward((x) => tf.min(x, 0), wholes([2, 3]))],
  Softmax: [
    of((x) => tf.softmax(x), spread([2, 3])),
    of((x) => tf.softmax(x, -1), spread([2, 3, 4])),
    of((x) => tf.softmax(x), spread([5])),
    of((x) => tf.softmax(x), float32([2, 2], [-1e9, 1, 80, 90])),
    of((x) => tf.logSoftmax(x), spread([2, 3])),
  ],
  BatchMatMul: [
    product([2, 3], [3, 4]),
    product([3, 2], [3, 4], true),
    product([2, 3], [4, 3], false, true),
    product([3, 2], [4, 3], true, true),
    product([1, 3], [3, 1]),
    ...[[false, false], [true, false], [false, true], [true, true]].map(([a, b]) =>
      product(a ? [3, 5, 2] : [3, 2, 5], b ? [3, 4, 5] : [3, 5, 4], a, b)
    ),
    product([2, 3, 2, 4], [2, 3, 4, 2]),
    // TensorFlow.js has no gradient for stacks of different sizes, and its cpu backend repeats the smaller one cyclically,
    // which is broadcasting only where leading axes are missing or 1.
    ...[
      product([1, 2, 3], [4, 3, 2]),
      product([4, 2, 3], [1, 3, 2]),
      product([1, 2, 3], [4, 5, 3], false, true),
      product([1, 3, 2], [4, 3, 5], true),
      product([1, 3, 2, 4], [2, 3, 5, 4], false, true),
      product([2, 3, 4, 1], [3, 4, 3], true),
      product([4, 2, 3], [3, 2]),
      product([2, 3], [4, 5, 3], false, true),
      product([3, 2], [4, 3, 5], true),
    ].map((one) => ({ ...one, gradient: false as const })),
  ],

  LayerNorm: [[4, 6], [1, 3], [5, 1]].map(([n, d]) =>
    of((x, gamma, beta) => layerNorm(x, gamma, beta, 1e-7), normal([n!, d!]), spread([d!]), spread([d!], 0.1))
  ),

  // Gates that are wholly open, wholly shut and in between: the grids of a stack of three that count are 32; 2, 4; 2, 8.
  OpenRows: [
    of(
      (x, logStep, gates) => {
        const levels = levelsOf(logStep, levelWeights(tf.clipByValue(gates, 0, 1)));
        return quantizeWith(x, levels, { skip: true });
      },
      normal([3, 16, 512]),
      float32([3], [-1, -0.5, 0]),
      float32([3, 4], [2, 2, 2, 2, 0.25, -1, 0.5, 2, 0.75, 2, -1, 0.5]),
    ),
  ],
  // Where no number is negative, and where one is.
  Shortcut: [[3, -1], [3, 1]].map(([x, y]) =>
    forward(
      (x) =>
        shortcut(tf.greaterEqual(tf.min(x), 0), { x }, { quick: ({ x }) => [x], general: ({ x }) => [tf.relu(x)] }),
      float32([2], [x!, y!]),
    )
  ),
};
