/** A backbone, a method and a head as programs: training, evaluation, calibration. */
import * as tf from "@tensorflow/tfjs";
import type { TensorSpec } from "../compile/tracer.ts";
import { type DebertaConfig, encoderShapes, headShapes, WORD_EMBEDDINGS } from "../deberta/config.ts";
import { affine, classify, encode, encodeFirst, firstRows, type Pass, tokensOf } from "../deberta/encoder.ts";
import { isPacked, packedRows, packTokens, ROW_UNIT } from "../deberta/packing.ts";
import type { Noise, Program, Tensors } from "../engines/engine.ts";
import type { Adapter, Group, Mode, Scope } from "../peft/method.ts";
import type { HostTensor, HostTensors } from "../tensor/host_tensor.ts";
import { type Layout, layOut, type Trainable } from "./layout.ts";
import { rowsOfBatch } from "./row_table.ts";
import { type Optimizer, type StepDefinition, trainProgram, unpackAll, vectorsOf } from "./step.ts";

type Tensor = tf.Tensor;

export interface Model {
  readonly config: DebertaConfig;
  readonly adapter: Adapter;
  /** Classes, or 1 for regression. */
  readonly labels: number;
  /** Dropout before the classifier (`cls_dropout`). */
  readonly classifierDropout: number;
  /** Head tensors that train: all of them unless said otherwise. */
  readonly trainsHead?: readonly string[];
  /** Whether word embeddings that train do so by rows, outside the layout: `RowTable` says how. */
  readonly tableByRows?: boolean;
}

/** The register of a frozen tensor. */
export const frozenRegister = (name: string): string => `w:${name}`;

/** Biases and LayerNorms train without weight decay. */
export const groupOf = (name: string): Group => /\.bias$|LayerNorm\.weight$/.test(name) ? "biases" : "weights";

/** All tensors that train, in a fixed order: backbone, head, method. */
export function trainablesOf({ config, adapter, labels, trainsHead }: Model): Trainable[] {
  const encoder = encoderShapes(config), head = headShapes(config, labels);
  const plain = (shapes: Record<string, number[]>, names: readonly string[]): Trainable[] =>
    names.map((name) => ({ name, shape: shapes[name]!, group: groupOf(name) }));
  return [
    ...plain(encoder, adapter.trainsBackbone),
    ...plain(head, trainsHead ?? Object.keys(head)),
    ...Object.entries(adapter.parameters).map(([name, { shape, group }]) => ({ name, shape, group })),
  ];
}

/** What the device keeps of it. */
export function layoutOf(model: Model): Layout {
  return layOut(trainablesOf(model).filter(({ name }) => !(model.tableByRows && name === WORD_EMBEDDINGS)));
}

/** The rows of the word embeddings that a batch can read, if they train by rows. */
export function rowsOf({ config, adapter, tableByRows }: Model, batch: number, length: number): Trainable | undefined {
  if (!tableByRows || !adapter.trainsBackbone.includes(WORD_EMBEDDINGS)) return undefined;
  const rows = rowsOfBatch(config.vocabulary, [batch, length]);
  return { name: WORD_EMBEDDINGS, shape: [rows, config.hidden], group: groupOf(WORD_EMBEDDINGS) };
}

/** Tensors that do not train, by name: the backbone's, the head's and the method's. */
export function frozenShapes(model: Model): Record<string, readonly number[]> {
  const trained = new Set(trainablesOf(model).map(({ name }) => name));
  const shapes = { ...encoderShapes(model.config), ...headShapes(model.config, model.labels) };
  const own = Object.entries(model.adapter.constants ?? {});
  return Object.fromEntries([...Object.entries(shapes).filter(([name]) => !trained.has(name)), ...own]);
}

/** Bytes of the tables that stay on the host because they train by rows: values and moments, and the values that they start from. */
export function hostTableBytes(model: Model): number {
  const { vocabulary, hidden } = model.config;
  return rowsOf(model, 1, 1) ? 4 * 4 * vocabulary * hidden : 0;
}

export interface PassOptions {
  readonly mode: Mode;
  readonly noise: Noise;
  /** Tensors by name: the backbone's, the head's and the method's. */
  tensor(name: string): Tensor;
  probe?(name: string, x: Tensor): void;
  probeGram?(name: string, x: Tensor): void;
  withoutPadding?(x: Tensor): Tensor;
  /** Rows of the activations, and of those of the fullest batch. */
  readonly rows?: { readonly now: number; readonly most: number };
  observe?(name: string, x: Tensor): void;
}

/** A forward pass with a method in it, and the method's penalty. */
export function openPass({ config, adapter }: Pick<Model, "config" | "adapter">, options: PassOptions) {
  const { mode, noise, tensor, rows = { now: 0, most: 0 } } = options;
  const plain = { weight: tensor };
  const scope: Scope = {
    mode,
    weight: tensor,
    parameter: tensor,
    noise,
    probe: options.probe ?? (() => {}),
    probeGram: options.probeGram ?? (() => {}),
    withoutPadding: options.withoutPadding ?? ((x) => x),
    mostRows: (count) => count < rows.now ? count : count - rows.now + rows.most,
    affine: (module, x) => affine(plain, module, x),
  };
  const hooks = adapter.open(scope);
  const pass: Pass = {
    config,
    weight: tensor,
    linear: (modules, x) => hooks.linear?.(modules, x) ?? modules.map((module) => affine(plain, module, x)),
    afterSublayer: (module, h) => hooks.afterSublayer?.(module, h) ?? h,
    dropout: (name, x, rate) => {
      if (mode !== "train" || rate === 0) return x;
      return tf.mul(x, noise.dropout(`dropout.${name}`, x.shape, rate));
    },
    ...(hooks.virtual && { virtual: hooks.virtual }),
    ...(hooks.prefix && { prefix: (layer) => hooks.prefix!(layer) }),
    ...(options.observe && { observe: options.observe }),
  };
  return { pass, penalty: () => hooks.penalty?.() };
}

/** A batch as `packTokens` lays it out in rows. */
export const batchInputs = (batch: number, length: number, rows: number): Record<string, TensorSpec> => ({
  ids: { dtype: "int32", shape: [rows] },
  mask: { dtype: "float32", shape: [batch, length] },
  rowOf: { dtype: "int32", shape: [batch, length] },
  placeOf: { dtype: "int32", shape: [rows] },
});

/** Feeds `ids` and `mask` [B, S] laid out in rows, all others as they are. */
const inRows = (rowsFor?: (mask: HostTensor) => number) => (feeds: HostTensors): HostTensors => {
  const { ids, mask } = feeds;
  if (!ids || !mask) throw new Error(`Input "${ids ? "mask" : "ids"}" was not fed: a batch is tokens and their mask`);
  return { ...feeds, ...packTokens(ids, mask, rowsFor?.(mask)) };
};

/**
 * How a batch of one shape reaches a program: packed where that is worth it, else with padding in rows of its own.
 * @param at what is the same for another number of rows
 */
export function takesBatch<T>({ hidden }: DebertaConfig, batch: number, length: number, at: (rows: number) => T) {
  if (!isPacked(batch, length, hidden)) return { prepare: inRows() };
  return {
    prepare: inRows(packedRows),
    elastic: { unit: ROW_UNIT, sizeOf: ({ ids }: HostTensors) => ids!.data.length, at },
  };
}

function frozenInputs(model: Model): Record<string, TensorSpec> {
  return Object.fromEntries(
    Object.entries(frozenShapes(model)).map(([name, shape]) => [frozenRegister(name), { dtype: "float32", shape }]),
  );
}

/** The logits of a batch in an open pass. @returns [B, labels] */
export const logitsOf = (model: Model, pass: Pass, given: Tensors): Tensor => {
  const tokens = tokensOf(given);
  // Whoever looks at intermediate results wants the last layer whole.
  const first = pass.observe ? firstRows(encode(pass, tokens), tokens.mask.shape[0]!) : encodeFirst(pass, tokens);
  return classify(pass, first, model.classifierDropout);
};

/**
 * The task's loss: cross entropy, or squared error for one label.
 * @param logits [B, labels]
 * @param labels [B] int32 classes, or float32 targets
 * @param weights [B], summing to 1 over the real examples of the batch
 */
export function taskLoss(logits: Tensor, labels: Tensor, weights: Tensor): Tensor {
  const classes = logits.shape[1]!;
  const each = classes === 1
    ? tf.square(tf.sub(tf.reshape(logits, [-1]), labels))
    : tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), tf.oneHot(labels as tf.Tensor1D, classes)), -1));
  return tf.sum(tf.mul(each, weights));
}

/** What the method keeps account of inside a step. */
function trackingOf({ adapter }: Model): Pick<StepDefinition, "tracking"> {
  const { state, track } = adapter;
  return state && track ? { tracking: { state, track: (step) => track.call(adapter, step) } } : {};
}

/** The training step for one batch shape. */
export function fineTuneProgram(model: Model, optimizer: Optimizer, batch: number, length: number): Program {
  return trainProgram(fineTuneStep(model, optimizer, batch, length));
}

/**
 * What a training step is.
 * @param examples that go through the network at once: all of the batch unless said otherwise
 * @param rows of their activations: as many as they have places unless said otherwise
 */
export function fineTuneStep(
  model: Model,
  optimizer: Optimizer,
  batch: number,
  length: number,
  examples = batch,
  rows = examples * length,
): StepDefinition {
  return {
    name: examples === batch ? `train [${batch}, ${length}]` : `train [${batch}, ${length}] by ${examples} examples`,
    ...takesBatch(
      model.config,
      examples,
      length,
      (rows) => fineTuneStep(model, optimizer, batch, length, examples, rows),
    ),
    layout: layoutOf(model),
    optimizer,
    ...trackingOf(model),
    rows: rowsOf(model, batch, length),
    inputs: {
      ...frozenInputs(model),
      ...batchInputs(examples, length, rows),
      labels: { dtype: model.labels === 1 ? "float32" : "int32", shape: [examples] },
      weights: { dtype: "float32", shape: [examples] },
    },
    loss: (parameters, inputs, noise) => {
      const tensor = (name: string) => (parameters[name] ?? inputs[frozenRegister(name)])!;
      const { pass, penalty } = openPass(model, {
        mode: "train",
        noise,
        tensor,
        rows: { now: rows, most: examples * length },
      });
      const loss = taskLoss(logitsOf(model, pass, inputs), inputs.labels!, inputs.weights!);
      const extra = penalty();
      if (!extra) return loss;
      return tf.add(loss, examples === batch ? extra : tf.mul(extra, examples / batch));
    },
  };
}

/** Tensors of a run that does not train: frozen ones, and trained ones cut from the same vectors as in training. */
function openTensors(model: Model, batch: number, length: number, rows: number) {
  const vectors = vectorsOf(layoutOf(model), rowsOf(model, batch, length));
  const inputs: Record<string, TensorSpec> = {
    ...frozenInputs(model),
    ...Object.fromEntries(vectors.map(({ registers, size }) => [registers.p, { dtype: "float32", shape: [size] }])),
    ...batchInputs(batch, length, rows),
  };
  const tensorsOf = (given: Tensors) => {
    const trained = unpackAll(vectors, vectors.map(({ registers }) => given[registers.p]!));
    return (name: string): Tensor => (trained[name] ?? given[frozenRegister(name)])!;
  };
  return { inputs, tensorsOf };
}

/** Logits of a batch, with test-time gates and no dropout. */
export function evaluateProgram(model: Model, batch: number, length: number, rows = batch * length): Program {
  const { inputs, tensorsOf } = openTensors(model, batch, length, rows);
  return {
    name: `evaluate [${batch}, ${length}]`,
    ...takesBatch(model.config, batch, length, (rows) => evaluateProgram(model, batch, length, rows)),
    inputs,
    apply: (given, noise) => {
      const { pass } = openPass(model, {
        mode: "evaluate",
        noise,
        tensor: tensorsOf(given),
        rows: { now: rows, most: batch * length },
      });
      return { logits: logitsOf(model, pass, given) };
    },
  };
}

/**
 * What the method's probes see of one batch: the largest |value| of each, the sum of x^T x of each Gram probe. The last layer
 * runs whole: ranges are those of every token, also where training goes on with the first one's alone.
 */
export function calibrateProgram(model: Model, batch: number, length: number): Program {
  const { inputs, tensorsOf } = openTensors(model, batch, length, batch * length);
  return {
    name: `calibrate [${batch}, ${length}]`,
    prepare: inRows(),
    inputs,
    apply: (given, noise) => {
      const seen: Tensors = {};
      const probe = (name: string, x: Tensor) => {
        const largest = tf.max(tf.abs(x)), before = seen[name];
        seen[name] = before ? tf.maximum(before, largest) : largest;
      };
      const probeGram = (name: string, x: Tensor) => {
        const gram = tf.matMul(x, x, true, false), before = seen[name];
        seen[name] = before ? tf.add(before, gram) : gram;
      };
      /** The first rows are those of the tokens; rows of relative positions may follow. */
      const withoutPadding = (x: Tensor) => {
        const tokens = tf.expandDims(tf.gather(tf.reshape(given.mask!, [-1]), given.placeOf!), 1);
        const others = tf.ones([x.shape[0]! - tokens.shape[0]!, 1]);
        return tf.mul(x, others.size > 0 ? tf.concat([tokens, others]) : tokens);
      };
      const tensor = tensorsOf(given);
      const { pass } = openPass(model, { mode: "calibrate", noise, tensor, probe, probeGram, withoutPadding });
      encode(pass, tokensOf(given));
      return seen;
    },
  };
}
