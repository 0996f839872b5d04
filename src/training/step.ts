/** One training step as a program: loss, gradient, clipping, AdamW. Pure: state, batch and noise in, state and loss out. */
import * as tf from "@tensorflow/tfjs";
import type { TensorSpec } from "../compile/tracer.ts";
import type { Elastic, Noise, Program, Tensors } from "../engines/engine.ts";
import { GROUPS, type Tracked } from "../peft/method.ts";
import { float32, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { adamw, type AdamWOptions, clipByGlobalNorm, type StepSizes, stepSizes } from "./adamw.ts";
import { type GroupLayout, type Layout, type Trainable, unpack } from "./layout.ts";

/** The register of a method's state. */
export const trackedRegister = (name: string): string => `s:${name}`;

/** The name among the groups of a table's rows, whose vectors come with each call and go back with its results. */
export const ROWS = "rows";

/** Registers of a group's parameter vector, its moments, and the gradients of a step whose batch comes in parts. */
export const stateRegisters = (group: string) => ({
  p: `p:${group}`,
  m: `m:${group}`,
  v: `v:${group}`,
  g: `g:${group}`,
});

/** What an update renews. */
const MOMENTS = ["p", "m", "v"] as const;

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
  /** What the batch becomes before it is read, and the same step for any number of rows, as programs have it. */
  readonly prepare?: NonNullable<Program["prepare"]>;
  readonly elastic?: Omit<Elastic, "at"> & { readonly at: (size: number) => StepDefinition };
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
export function trainProgram(definition: StepDefinition): Program {
  const { name, inputs, layout, rows } = definition, trained = vectorsOf(layout, rows);
  return {
    name,
    ...readingBatch(definition, trainProgram),
    inputs: { ...inputs, ...updateInputs(definition, trained) },
    apply: (given, noise) => {
      const { loss, gradients } = descend(definition, trained, given, noise);
      return { loss, ...renew(definition, trained, given, gradients) };
    },
    writes: updateWrites(definition),
  };
}

/** The part of a training step that sees the batch: its loss, and its gradients added to those in registers. */
export function gradientProgram(definition: StepDefinition): Program {
  const { name, inputs, layout, rows } = definition, trained = vectorsOf(layout, rows);
  return {
    name: `gradient of ${name}`,
    ...readingBatch(definition, gradientProgram),
    inputs: { ...inputs, ...vectorInputs(trained, "p", "g") },
    apply: (given, noise) => {
      const { loss, gradients } = descend(definition, trained, given, noise), outputs: Tensors = { loss };
      trained.forEach(({ registers: { g } }, i) => outputs[g] = tf.add(given[g]!, gradients[i]!));
      return outputs;
    },
    writes: Object.fromEntries(vectorsOf(layout).map(({ registers: { g } }) => [g, g])),
  };
}

/** The part of a training step that does not: clipping and AdamW, from the gradients in registers. */
export function updateProgram(definition: StepDefinition): Program {
  const { name, layout, rows } = definition, trained = vectorsOf(layout, rows);
  return {
    name: `update of ${name}`,
    inputs: { ...updateInputs(definition, trained), ...vectorInputs(trained, "g") },
    apply: (given) => renew(definition, trained, given, trained.map(({ registers: { g } }) => given[g]!)),
    writes: updateWrites(definition),
  };
}

/** How a program that reads the batch takes it. @param program of a step */
function readingBatch(
  { prepare, elastic }: StepDefinition,
  program: (definition: StepDefinition) => Program,
): Pick<Program, "prepare" | "elastic"> {
  return {
    ...(prepare && { prepare }),
    ...(elastic && { elastic: { ...elastic, at: (size: number) => program(elastic.at(size)) } }),
  };
}

/** The programs of a step: one, or of a batch that comes in parts the two that it runs in turn. */
export function programsOf(step: StepDefinition, inParts: boolean): Program[] {
  return inParts ? [gradientProgram(step), updateProgram(step)] : [trainProgram(step)];
}

type Registers = StepVector["registers"];

function vectorInputs(trained: readonly StepVector[], ...which: (keyof Registers)[]): Record<string, TensorSpec> {
  return Object.fromEntries(trained.flatMap(({ size, registers }) => {
    return which.map((part): [string, TensorSpec] => [registers[part], { dtype: "float32", shape: [size] }]);
  }));
}

/** What an update reads besides gradients: parameters, moments, their sizes, and what the method keeps account of. */
function updateInputs({ tracking }: StepDefinition, trained: readonly StepVector[]): Record<string, TensorSpec> {
  const sizes = trained.flatMap(({ group }) => [`keep:${group}`, `rate:${group}`]);
  return {
    root: scalar,
    ...vectorInputs(trained, ...MOMENTS),
    ...Object.fromEntries(sizes.map((name) => [name, scalar])),
    ...Object.fromEntries(
      Object.entries(tracking?.state ?? {}).map(([key, shape]) => [trackedRegister(key), { dtype: "float32", shape }]),
    ),
  };
}

function updateWrites({ layout, tracking }: StepDefinition): Record<string, string> {
  const moments = vectorsOf(layout).flatMap(({ registers }) => MOMENTS.map((part) => registers[part]));
  return Object.fromEntries(
    [...moments, ...Object.keys(tracking?.state ?? {}).map(trackedRegister)].map((r) => [r, r]),
  );
}

/** The loss of a batch and its gradients, one for each vector. */
function descend({ loss }: StepDefinition, trained: readonly StepVector[], given: Tensors, noise: Noise) {
  const objective = (...from: tf.Tensor[]) => loss(unpackAll(trained, from), given, noise) as tf.Scalar;
  const { value, grads } = tf.valueAndGrads(objective)(trained.map(({ registers }) => given[registers.p]!));
  return { loss: value, gradients: grads };
}

/** Clips gradients, steps with AdamW, and renews what the method keeps account of. */
function renew(
  { optimizer, tracking }: StepDefinition,
  trained: readonly StepVector[],
  given: Tensors,
  raw: readonly tf.Tensor[],
): Tensors {
  const outputs: Tensors = {};
  let gradients = raw;
  if (optimizer.maxNorm !== null) {
    const { clipped, norm } = clipByGlobalNorm(raw, optimizer.maxNorm);
    gradients = clipped;
    outputs.norm = norm;
  }
  trained.forEach(({ group, registers }, i) => {
    const sizes = { keep: given[`keep:${group}`]!, rate: given[`rate:${group}`]!, root: given.root! };
    const now = { p: given[registers.p]!, m: given[registers.m]!, v: given[registers.v]! };
    const next = adamw(now, gradients[i]!, sizes, optimizer);
    for (const part of MOMENTS) outputs[registers[part]] = next[part];
  });
  if (tracking) {
    const after = unpackAll(trained, trained.map(({ registers }) => outputs[registers.p]!));
    const slopes = unpackAll(trained, gradients);
    const renewed = tracking.track({
      parameter: (key) => after[key]!,
      gradient: (key) => slopes[key]!,
      state: (key) => given[trackedRegister(key)]!,
    });
    for (const key of Object.keys(tracking.state)) outputs[trackedRegister(key)] = renewed[key]!;
  }
  return outputs;
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
