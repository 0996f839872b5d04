/**
 * Pre-training of a small backbone by replaced-token detection (Clark et al. 2020, ELECTRA, arXiv 2003.10555), the task
 * DeBERTaV3 was pre-trained with. There is no generator network: for a backbone of minutes, a second network costs more than
 * it teaches. Replacements come from the corpus's own word frequencies and, where the corpus has a grammar that can tell,
 * from words that could stand in the same place.
 */
import * as tf from "@tensorflow/tfjs";
import { type DebertaConfig, encoderShapes, layerName } from "../deberta/config.ts";
import { gelu } from "../deberta/composites.ts";
import { affine, encode, tokensOf } from "../deberta/encoder.ts";
import type { Device } from "../engines/engine.ts";
import { ProgramCache } from "../engines/program_cache.ts";
import type { Adapter } from "../peft/method.ts";
import { Stream } from "../random/stream.ts";
import { float32, type HostTensors } from "../tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "./adamw.ts";
import { tokenFeeds, trainingBatches } from "./batches.ts";
import type { Checkpoints } from "./checkpoint.ts";
import { initializeModel } from "./initialize.ts";
import { flatten, layOut, unflatten } from "./layout.ts";
import { batchInputs, groupOf, openPass, takesBatch } from "./model.ts";
import { linearSchedule } from "./schedule.ts";
import { freshState, type Optimizer, stateRegisters, type StepDefinition, stepFeeds, trainProgram } from "./step.ts";

export interface PretrainSettings {
  readonly seed: number;
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly warmup: number;
  /** Share of tokens that are replaced. */
  readonly replaced: number;
  /** Standard deviation of starting weights. */
  readonly std: number;
  readonly lengths: readonly number[];
}

/** Ids that are never replaced: they mark the start of a text and the ends of its sentences. */
export interface SpecialTokens {
  readonly cls: number;
  readonly sep: number;
}

/** Where pre-training stands between two steps. */
export interface PretrainCheckpoint {
  /** Steps done. */
  readonly steps: number;
  /** Mean losses so far; then the sum of the losses that are in none yet, and how many they are. */
  readonly losses: readonly number[];
  readonly sum: number;
  readonly since: number;
  /** What steps renew on the device. */
  readonly parts: { readonly registers: HostTensors };
}

export interface PretrainInput {
  readonly device: Device;
  readonly config: DebertaConfig;
  readonly sequences: readonly (readonly number[])[];
  readonly special: SpecialTokens;
  readonly settings: PretrainSettings;
  /** A plausible replacement of a token; without it all are drawn by frequency. */
  readonly substitute?: (id: number, stream: Stream) => number;
  /** Where it may go on from, and leave where it stands. */
  readonly checkpoints?: Checkpoints<PretrainCheckpoint>;
  readonly onProgress?: (fraction: number, message: string) => void;
}

/** Share of replacements that are plausible ones, where there are such. */
const PLAUSIBLE = 0.75;

export interface Pretrained {
  /** The encoder, by Hugging Face names. */
  readonly weights: HostTensors;
  /** Mean loss over each twentieth of the run, oldest first. */
  readonly losses: readonly number[];
}

const PLAIN: Adapter = {
  trainsBackbone: [],
  parameters: {},
  open: () => ({}),
  observe: () => [],
  save: () => ({ config: {}, tensors: {} }),
  restore: () => ({}),
};

const headShapes = (hidden: number): Record<string, number[]> => ({
  "detector.dense.weight": [hidden, hidden],
  "detector.dense.bias": [hidden],
  "detector.classifier.weight": [1, hidden],
  "detector.classifier.bias": [1],
});

/** Draws ids from a frequency table by binary search in its running sum. */
function sampler(sequences: readonly (readonly number[])[], { cls, sep }: SpecialTokens): (stream: Stream) => number {
  const counts = new Map<number, number>();
  for (const id of sequences.flat()) if (id !== cls && id !== sep) counts.set(id, (counts.get(id) ?? 0) + 1);
  const ids = [...counts.keys()].sort((a, b) => a - b);
  let total = 0;
  const sums = ids.map((id) => total += counts.get(id)!);
  return (stream) => {
    const wanted = stream.below(total);
    let low = 0, high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > wanted) high = middle;
      else low = middle + 1;
    }
    return ids[low]!;
  };
}

/** The training step: is each token the original? Binary cross entropy, mean over the tokens that are not padding. */
function detectionStep(
  config: DebertaConfig,
  layout: ReturnType<typeof layOut>,
  optimizer: Optimizer,
  batch: number,
  length: number,
  rows = batch * length,
): StepDefinition {
  return {
    name: `pretrain [${batch}, ${length}]`,
    ...takesBatch(config, batch, length, (rows) => detectionStep(config, layout, optimizer, batch, length, rows)),
    layout,
    optimizer,
    inputs: {
      ...batchInputs(batch, length, rows),
      replaced: { dtype: "float32", shape: [batch * length] },
      weights: { dtype: "float32", shape: [batch * length] },
    },
    loss: (parameters, { replaced, weights, ...batch }, noise) => {
      const tensor = (name: string) => parameters[name]!, tokens = tokensOf(batch);
      const { pass } = openPass({ config, adapter: PLAIN }, { mode: "train", noise, tensor });
      const hidden = gelu(affine(pass, "detector.dense", encode(pass, tokens)));
      const logits = tf.reshape(affine(pass, "detector.classifier", hidden), [-1]); // [N]
      const [answers, shares] = [replaced!, weights!].map((byPlace) => tf.gather(byPlace, tokens.placeOf)) as Pair;
      return tf.sum(tf.mul(tf.sub(tf.softplus(logits), tf.mul(logits, answers)), shares));
    },
  };
}

type Pair = [tf.Tensor, tf.Tensor];

/**
 * Where pre-training starts. In half of the first layer's heads queries and keys start alike, so that a word attends to its own
 * kind, here and in the other sentence, before anything is learnt; a small encoder takes most of its steps to find that out by
 * itself. All other heads stay free: where every head starts so, the first token attends to itself alone, and what a sentence
 * says hardly reaches the one token that classification reads.
 */
function startOf(
  config: DebertaConfig,
  shapes: ReturnType<typeof encoderShapes>,
  std: number,
  seed: number,
): HostTensors {
  const start = initializeModel(shapes, std, seed), { hidden, heads } = config;
  const self = `${layerName(0)}.attention.self`, key = `${self}.key_proj.weight`;
  const alike = Math.ceil(heads / 2) * (hidden / heads) * hidden;
  const keys = Float32Array.from(start[key]!.data);
  keys.set(start[`${self}.query_proj.weight`]!.data.subarray(0, alike));
  return { ...start, [key]: float32([hidden, hidden], keys) };
}

/**
 * Pre-trains an encoder on token sequences. A run that goes on from a checkpoint gives the same bits as one that was never stopped.
 * @throws Error if the loss stops being finite
 */
export async function pretrain(input: PretrainInput): Promise<Pretrained> {
  const { device, config, sequences, special, settings, substitute, checkpoints, onProgress } = input;
  const { seed, batch: size, steps, lengths } = settings;
  const shapes = { ...encoderShapes(config), ...headShapes(config.hidden) };
  const layout = layOut(Object.entries(shapes).map(([name, shape]) => ({ name, shape, group: groupOf(name) })));
  const optimizer: Optimizer = { ...ADAMW_DEFAULTS, maxNorm: 1 };
  device.clear();
  const saved = await checkpoints?.load();
  const start = saved?.parts.registers ?? freshState(flatten(layout, startOf(config, shapes, settings.std, seed)));
  device.write(start);

  const programs = new ProgramCache(device), byFrequency = sampler(sequences, special);
  const replace = (id: number, stream: Stream) =>
    substitute && stream.chance(PLAUSIBLE) ? substitute(id, stream) : byFrequency(stream);
  const examples = sequences.map((ids) => ({ ids, label: 0 }));
  const losses = [...saved?.losses ?? []];
  let { steps: done, sum, since } = saved ?? { steps: 0, sum: 0, since: 0 };
  const checkpoint = (): PretrainCheckpoint => ({
    steps: done,
    losses,
    sum,
    since,
    parts: { registers: Object.fromEntries(Object.keys(start).map((name) => [name, device.read(name)])) },
  });
  const perEpoch = Math.ceil(examples.length / size);
  for (let epoch = 1 + Math.floor(done / perEpoch); done < steps; epoch++) {
    const batches = trainingBatches(examples, size, lengths, new Stream(seed, "pretrain", epoch));
    for (const { indices, length } of batches.slice(done - (epoch - 1) * perEpoch)) {
      if (done === steps) break;
      const factor = linearSchedule(done, { warmup: settings.warmup, total: steps }),
        lr = settings.learningRate * factor;
      const rates = { weights: { lr, weightDecay: settings.weightDecay }, biases: { lr, weightDecay: 0 } };
      const program = await programs.load(
        `${length}`,
        () => trainProgram(detectionStep(config, layout, optimizer, size, length)),
      );
      const stream = new Stream(seed, "replace", done), { cls, sep } = special;
      const corrupted = indices.map((i): Corrupted => {
        const original = sequences[i]!;
        const ids = original.map((id) =>
          id !== cls && id !== sep && stream.chance(settings.replaced) ? replace(id, stream) : id
        );
        return { ids, replaced: ids.map((id, j) => id !== original[j]) };
      });
      const feeds = { ...corruptedFeeds(corrupted, size, length), ...stepFeeds(layout, rates, done + 1, optimizer) };
      const { loss } = await program.run(feeds, { seed, step: done });
      done++, since++, sum += loss!.data[0]!;
      if (!Number.isFinite(sum)) throw new Error(`Pre-training diverged in step ${done}: lower the learning rate`);
      if (Math.floor(done * 20 / steps) > losses.length) losses.push(sum / since), sum = since = 0;
      onProgress?.(done / steps, `loss ${(losses.at(-1) ?? sum / since).toFixed(3)}`);
      await checkpoints?.offer(checkpoint);
    }
  }
  await programs.clear();
  const all = unflatten(layout, (group) => device.read(stateRegisters(group).p).data as Float32Array);
  const weights = Object.fromEntries(Object.keys(encoderShapes(config)).map((name) => [name, all[name]!]));
  return { weights, losses };
}

interface Corrupted {
  readonly ids: readonly number[];
  readonly replaced: readonly boolean[];
}

function corruptedFeeds(corrupted: readonly Corrupted[], size: number, length: number): HostTensors {
  const replaced = new Float32Array(size * length), weights = new Float32Array(size * length);
  const tokens = corrupted.reduce((sum, { ids }) => sum + ids.length, 0);
  corrupted.forEach((row, i) => {
    row.replaced.forEach((yes, j) => replaced[i * length + j] = yes ? 1 : 0);
    weights.fill(1 / tokens, i * length, i * length + row.ids.length);
  });
  return {
    ...tokenFeeds(corrupted.map(({ ids }) => ids), size, length),
    replaced: float32([size * length], replaced),
    weights: float32([size * length], weights),
  };
}
