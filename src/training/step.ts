/** One training step as a program: loss, gradient, clipping, AdamW. Pure: state, batch and noise in, state and loss out. */
import * as tf from "@tensorflow/tfjs";
import type { TensorSpec } from "../compile/tracer.ts";
import type { Noise, Program, Tensors } from "../engines/engine.ts";
import { GROUPS, type Tracked } from "../peft/method.ts";
import { float32, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { adamw, type AdamWOptions, clipByGlobalNorm, type StepSizes, stepSizes } from "./adamw.ts";
import { type GroupLayout, type Layout, type Trainable, unpack } from "./layout.ts";

/** The register of a method's state. */
export const trackedRegister = (name: string): string => `s:${name}`;

/** The name among the groups of a table's rows, whose vectors come with each call and go back with its results. */
export const ROWS = "rows";

/** Registers of a group's parameter vector and its moments. */
export const stateRegisters = (group: string) => ({ p: `p:${group}`, m: `m:${group}`, v: `v:${group}` });

/** One of the vectors that a step renews, with its registers. */
export interface StepVector extends GroupLayout {
  readonly registers: ReturnType<typeof stateRegisters>;
}

/** All of them: one for each group, and one for the rows of a table that trains by rows, in the table's own group. */
export function vectorsOf(layout: Layout, rows?: Trainable): StepVector[] {
  const groups = layout.map((part) => ({ ...part, registers: stateRegisters(part.group) }));
  if (!rows) return groups;
  const { group, shape } = rows;
  return [...groups, { group, members: [rows], size: sizeOf(shape), registers: stateRegisters(ROWS) }];
}

/** The named tensors of all vectors, inside a program. */
export function unpackAll(vectors: readonly StepVector[], values: readonly tf.Tensor[]): Tensors {
  return Object.assign({}, ...vectors.map((vector, i) => unpack(vector, values[i]!)));
}

export interface Optimizer extends AdamWOptions {
  /** Largest norm of all gradients together, or null for no clipping. */
  readonly maxNorm: number | null;
}

export interface StepDefinition {
  readonly name: string;
  /** Everything the loss reads but the trained parameters: frozen tensors and the batch. */
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly layout: Layout;
  readonly optimizer: Optimizer;
  /** Rows of a table that train besides, in the parameter's own group: `RowTable` keeps the table. */
  readonly rows?: Trainable | undefined;
  /** The scalar loss. @param parameters by name */
  readonly loss: (parameters: Tensors, inputs: Tensors, noise: Noise) => tf.Tensor;
  /** What is kept account of besides, by shape, and how a step renews it. */
  readonly tracking?: {
    readonly state: Readonly<Record<string, readonly number[]>>;
    readonly track: (step: Tracked) => Tensors;
  };
}

const scalar: TensorSpec = { dtype: "float32", shape: [] };

/**
 * The program of a training step. Its outputs are `loss` and, where gradients are clipped, their `norm` before; parameters
 * and moments stay in registers, but for those of a table's rows.
 */
export function trainProgram({ name, inputs, layout, optimizer, rows, loss, tracking }: StepDefinition): Program {
  const specs: Record<string, TensorSpec> = { ...inputs, root: scalar };
  const writes: Record<string, string> = {};
  const parts = vectorsOf(layout, rows);
  for (const { group, size, registers } of parts) {
    for (const register of Object.values(registers)) specs[register] = { dtype: "float32", shape: [size] };
    specs[`keep:${group}`] = specs[`rate:${group}`] = scalar;
  }
  for (const { registers } of vectorsOf(layout)) {
    for (const register of Object.values(registers)) writes[register] = register;
  }
  for (const [key, shape] of Object.entries(tracking?.state ?? {})) {
    const register = trackedRegister(key);
    specs[register] = { dtype: "float32", shape };
    writes[register] = register;
  }
  const apply = (given: Tensors, noise: Noise): Tensors => {
    const vectors = parts.map(({ registers }) => given[registers.p]!);
    const objective = (...from: tf.Tensor[]) => loss(unpackAll(parts, from), given, noise) as tf.Scalar;
    const { value, grads } = tf.valueAndGrads(objective)(vectors);
    const outputs: Tensors = { loss: value };
    let gradients = grads;
    if (optimizer.maxNorm !== null) {
      const { clipped, norm } = clipByGlobalNorm(grads, optimizer.maxNorm);
      gradients = clipped;
      outputs.norm = norm;
    }
    parts.forEach(({ group, registers }, i) => {
      const sizes = { keep: given[`keep:${group}`]!, rate: given[`rate:${group}`]!, root: given.root! };
      const now = { p: vectors[i]!, m: given[registers.m]!, v: given[registers.v]! };
      const next = adamw(now, gradients[i]!, sizes, optimizer);
      for (const part of ["p", "m", "v"] as const) outputs[registers[part]] = next[part];
    });
    if (tracking) {
      const after = unpackAll(parts, parts.map(({ registers }) => outputs[registers.p]!));
      const slopes = unpackAll(parts, gradients);
      const renewed = tracking.track({
        parameter: (key) => after[key]!,
        gradient: (key) => slopes[key]!,
        state: (key) => given[trackedRegister(key)]!,
      });
      for (const key of Object.keys(tracking.state)) outputs[trackedRegister(key)] = renewed[key]!;
    }
    return outputs;
  };
  return { name, inputs: specs, apply, writes };
}

/** A group's learning rate and weight decay in one step. */
export type GroupRates = Readonly<
  Partial<Record<typeof GROUPS[number], { readonly lr: number; readonly weightDecay: number }>>
>;

/** The scalar feeds of a step. @param step counted from 1 */
export function stepFeeds(layout: Layout, rates: GroupRates, step: number, options: AdamWOptions): HostTensors {
  const feeds: HostTensors = {};
  for (const { group } of layout) {
    const rate = rates[group];
    if (!rate) throw new Error(`No learning rate was given for the parameter group "${group}"`);
    const sizes = stepSizes(rate.lr, rate.weightDecay, step, options);
    feeds[`keep:${group}`] = float32([], [sizes.keep]);
    feeds[`rate:${group}`] = float32([], [sizes.rate]);
    feeds.root = float32([], [sizes.root]);
  }
  return feeds;
}

/** The sizes of one group in the feeds of one step. */
export function fedSizes(feeds: HostTensors, group: string): StepSizes {
  const [keep, rate, root] = [`keep:${group}`, `rate:${group}`, "root"].map((name) => feeds[name]!.data[0]!);
  return { keep: keep!, rate: rate!, root: root! };
}

/** Registers of a fresh optimizer: the given parameters and zero moments. */
export function freshState(flat: Readonly<Record<string, Float32Array>>): HostTensors {
  const registers: HostTensors = {};
  for (const [group, values] of Object.entries(flat)) {
    const names = stateRegisters(group);
    registers[names.p] = float32([values.length], values);
    registers[names.m] = float32([values.length]);
    registers[names.v] = float32([values.length]);
  }
  return registers;
}
