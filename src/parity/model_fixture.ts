/** What fixtures of a whole model have in common: its configuration, a batch, a forward and a backward pass. */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { parseDebertaConfig } from "../deberta/config.ts";
import { packTokens } from "../deberta/packing.ts";
import { InputError } from "../errors.ts";
import { attachMethod } from "../peft/registry.ts";
import { float32, type HostTensor, type HostTensors } from "../tensor/host_tensor.ts";
import type { Noise, Tensors } from "../engines/engine.ts";
import { logitsOf, type Model, openPass, taskLoss } from "../training/model.ts";
import type { ParityContext } from "./checker.ts";
import { compute } from "./compute.ts";

/** Hugging Face's config.json of a model for sequence classification. */
export const ModelConfig = z.looseObject({ num_labels: z.int().positive(), cls_dropout: z.literal(0) })
  .transform((json) => ({ config: parseDebertaConfig(json), labels: json.num_labels }));

/** The model alone, no method in it. */
export function plainModel({ config, labels }: z.infer<typeof ModelConfig>): Model {
  return { config, labels, adapter: attachMethod("full-ft", config), classifierDropout: 0 };
}

/** A batch as runs are fed it: `ids`, `mask`, `labels`, and `weights` that make the loss a mean. */
export type Batch = Readonly<Record<"ids" | "mask" | "labels" | "weights", HostTensor>>;

/**
 * Reads the batch whose tensors are named `input.input_ids`, `input.attention_mask` and `input.labels`.
 *
 * @param prefix of the names, if it is another one
 * @throws InputError naming a tensor that is missing
 */
export function readBatch(tensors: HostTensors, prefix = "input."): Batch {
  const find = (name: string): HostTensor => {
    const tensor = tensors[prefix + name];
    if (tensor === undefined) throw new InputError(`Cannot read a batch: the fixture has no tensor "${prefix}${name}"`);
    return tensor;
  };
  const mask = find("attention_mask"), labels = find("labels"), examples = labels.data.length;
  return {
    ids: find("input_ids"),
    mask: float32(mask.shape, mask.data),
    labels,
    weights: float32([examples], new Float32Array(examples).fill(1 / examples)),
  };
}

/** A model with values for all its tensors: backbone, head and method. */
export interface Subject {
  readonly model: Model;
  readonly tensors: HostTensors;
}

// The fixtures are made without dropout, and a method that draws its own noise is not one of them.
const silent: Noise = {
  dropout: (name) => drawn(name),
  uniform: (name) => drawn(name),
};
function drawn(name: string): never {
  throw new Error(`A fixture's model has no noise, and "${name}" was drawn`);
}

/**
 * One forward pass without gradients.
 *
 * @returns `logits`, and what the encoder lets observers see, under its names
 */
export function forward(context: ParityContext, { model, tensors }: Subject, batch: Batch): Promise<HostTensors> {
  return compute(context, "forward", { ...tensors, ...batch, ...packTokens(batch.ids, batch.mask) }, (given) => {
    const seen: Tensors = {};
    const { pass } = openPass(model, {
      mode: "evaluate",
      noise: silent,
      tensor: (name) => given[name]!,
      observe: (name, x) => seen[name] = x,
    });
    const logits = logitsOf(model, pass, given);
    return { ...seen, logits };
  });
}

/**
 * One forward and backward pass as in training.
 *
 * @param names of the tensors to differentiate by
 * @returns the loss, and its gradient by name
 */
export async function backward(
  context: ParityContext,
  { model, tensors }: Subject,
  batch: Batch,
  names: readonly string[],
): Promise<{ readonly loss: number; readonly gradients: HostTensors }> {
  const feeds = { ...tensors, ...batch, ...packTokens(batch.ids, batch.mask) };
  const { loss, ...gradients } = await compute(context, "backward", feeds, (given) => {
    const objective = (...parameters: tf.Tensor[]) => {
      const chosen = new Map(names.map((name, i) => [name, parameters[i]!]));
      const { pass } = openPass(model, {
        mode: "train",
        noise: silent,
        tensor: (name) => chosen.get(name) ?? given[name]!,
      });
      return taskLoss(logitsOf(model, pass, given), given.labels!, given.weights!) as tf.Scalar;
    };
    const { value, grads } = tf.valueAndGrads(objective)(names.map((name) => given[name]!));
    return { ...Object.fromEntries(names.map((name, i) => [name, grads[i]!])), loss: value };
  });
  return { loss: loss!.data[0]!, gradients };
}
