/** Random small programs of tensors, gradients included: what the tests of passes rewrite. */
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import type { Program, Tensors } from "../engines/engine.ts";
import { normal } from "../engines/testing.ts";
import { type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { broadcastShape, sameShape } from "./ir.ts";

type Tensor = tf.Tensor;

/** An operation on values made so far; the numbers choose operands, axes and constants. */
interface Instruction {
  readonly op: number;
  readonly a: number;
  readonly b: number;
  readonly k: number;
}

const SHAPES: readonly number[][] = [[2, 3], [3, 2], [3], [1, 3], [2, 1], [], [2, 2, 3]];
const CONSTANTS = [0, 1, 2, -0.5] as const;

const broadcasts = (a: Tensor, b: Tensor): boolean => {
  try {
    broadcastShape(a.shape, b.shape);
    return true;
  } catch {
    return false;
  }
};

/** What a random instruction can do. Undefined where it does not fit its operand. */
type Operation = (x: Tensor, k: number, partner: (fits: (y: Tensor) => boolean) => Tensor) => Tensor | undefined;

const elementwise = (apply: (x: Tensor, y: Tensor) => Tensor): Operation => (x, _, partner) => {
  return apply(x, partner((y) => broadcasts(x, y)));
};
const constant = (apply: (x: Tensor, c: Tensor) => Tensor): Operation => (x, k) => {
  const shape = [x.shape, [], [2, ...x.shape]][k % 3]!;
  return apply(x, tf.fill(shape, CONSTANTS[(k >> 2) % CONSTANTS.length]!));
};

const OPERATIONS: readonly Operation[] = [
  elementwise(tf.add),
  elementwise(tf.sub),
  elementwise(tf.mul),
  elementwise((x, y) => tf.div(x, tf.add(tf.square(y), 1))),
  elementwise((x, y) => tf.add(x, tf.neg(y))),
  constant(tf.add),
  constant((x, c) => tf.add(c, x)),
  constant(tf.sub),
  constant((x, c) => tf.sub(c, x)),
  constant(tf.mul),
  constant((x, c) => tf.mul(c, x)),
  (x, k) => tf.div(x, CONSTANTS[1 + k % 3]!),
  (x) => tf.neg(x),
  (x) => tf.sigmoid(x),
  (x) => tf.tanh(x),
  (x) => tf.sqrt(tf.add(tf.square(x), 1)),
  (x) => tf.transpose(x),
  (x, k) => x.rank === 3 ? tf.transpose(x, [[0, 2, 1], [1, 0, 2], [2, 0, 1]][k % 3]) : undefined,
  (x, k) => tf.reshape(x, [[-1], [-1, 1], [1, -1]][k % 3]!),
  (x, k) => tf.mean(x, x.rank === 0 ? undefined : k % x.rank, k % 2 === 0),
  (x, k) => tf.sum(x, x.rank === 0 ? undefined : k % x.rank, k % 2 === 0),
  (x) => tf.tile(tf.expandDims(x, 0), [2, ...x.shape.map(() => 1)]),
  (x, k) => x.rank > 0 ? tf.slice(x, 0, 1 + k % x.shape[0]!) : undefined,
  (x, k) =>
    x.rank > 0
      ? tf.pad(x, x.shape.map((_, i) => i === 0 ? [k % 2, k % 3] as const : [0, 0] as const) as [number, number][])
      : undefined,
  ...[0, 1, 2, 3].map((flags): Operation => (x, _, partner) => {
    if (x.rank < 2) return undefined;
    const transposeA = flags % 2 === 1, transposeB = flags > 1, depth = x.shape.at(transposeA ? -2 : -1);
    const fits = (y: Tensor) =>
      y.rank === x.rank && sameShape(y.shape.slice(0, -2), x.shape.slice(0, -2)) &&
      y.shape.at(transposeB ? -1 : -2) === depth;
    const y = partner(fits);
    return fits(y) ? tf.matMul(x, y, transposeA, transposeB) : undefined;
  }),
];

/** Runs instructions. @returns the values they made, inputs first */
function interpret(instructions: readonly Instruction[], inputs: readonly Tensor[]): Tensor[] {
  const values = inputs.slice();
  for (const { op, a, b, k } of instructions) {
    const x = values[a % values.length]!, rest = values.map((_, i) => values[(b + i) % values.length]!);
    const y = OPERATIONS[op]!(x, k, (fits) => rest.find(fits) ?? x);
    if (y && y.rank <= 3 && y.size <= 64) values.push(y);
  }
  return values;
}

/** The last values of some instructions, and the gradient of a function of all of them. */
export function programOf(instructions: readonly Instruction[]): { program: Program; feeds: HostTensors } {
  const feeds: HostTensors = Object.fromEntries(SHAPES.map((shape, i) => [`x${i}`, normal(shape, 1, i)]));
  const apply = (given: Tensors): Tensors => {
    const inputs = SHAPES.map((_, i) => given[`x${i}`]!);
    const objective = (...xs: Tensor[]) =>
      interpret(instructions, xs).map((y) => tf.mean(tf.tanh(y))).reduce((a, b) => tf.add(a, b));
    const values = interpret(instructions, inputs), gradients = tf.grads(objective)(inputs);
    return Object.fromEntries([
      ...values.slice(-2).map((y, i) => [`value ${i}`, y] as const),
      ...gradients.map((g, i) => [`gradient ${i}`, g] as const),
    ]);
  };
  return { program: { name: "random", inputs: feeds, apply }, feeds };
}

/** Random lists of instructions. */
export const instructions: fc.Arbitrary<Instruction[]> = fc.array(
  fc.record({ op: fc.nat(OPERATIONS.length - 1), a: fc.nat(20), b: fc.nat(20), k: fc.nat(15) }),
  { minLength: 1, maxLength: 10 },
);

/** Whether all numbers are small enough to compare in float32. */
export function isTame(tensors: HostTensors): boolean {
  return Object.values(tensors).every(({ data, shape }) => {
    return data.length === sizeOf(shape) && (data as Float32Array).every((x) => Math.abs(x) < 1e4);
  });
}
