/**
 * Prompt tuning: virtual tokens in front of the text, whose embeddings train (Lester et al. 2021, arXiv 2104.08691).
 *
 * They stand after the first token, which the classifier reads and which therefore stays the first. DeBERTa normalizes its
 * embeddings; the virtual ones are trained as the encoder sees them, after that.
 */
import { z } from "zod";
import type { DebertaConfig } from "../deberta/config.ts";
import { Stream } from "../random/stream.ts";
import { float32, type HostTensor, type HostTensors } from "../tensor/host_tensor.ts";
import { fromPeft, type Method, toPeft } from "./method.ts";

const options = z.strictObject({
  /** Virtual tokens. */
  tokens: z.int().min(1).default(8),
  /** Where they start: at embeddings drawn from the vocabulary, or at U(-0.5, 0.5) (section 2.1 of the paper). */
  start: z.enum(["vocabulary", "random"]).default("vocabulary"),
});
export type PromptTuningOptions = z.infer<typeof options>;

const PROMPT = "prompt_embeddings";

/** Rows of the embedding table, drawn at random and normalized as the model does it. @returns [tokens, D] */
function drawFromVocabulary(config: DebertaConfig, backbone: HostTensors, seed: number, tokens: number): HostTensor {
  const { hidden, layerNormEps } = config, embeddings = "deberta.embeddings";
  const [table, gamma, beta] = ["word_embeddings.weight", "LayerNorm.weight", "LayerNorm.bias"].map((part) =>
    backbone[`${embeddings}.${part}`]!.data
  ) as [Float32Array, Float32Array, Float32Array];
  const stream = new Stream(seed, "prompt tuning"), data = new Float32Array(tokens * hidden);
  for (let t = 0; t < tokens; t++) {
    const from = stream.below(config.vocabulary) * hidden, row = table.subarray(from, from + hidden);
    const mean = row.reduce((sum, x) => sum + x, 0) / hidden;
    const deviation = Math.sqrt(row.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / hidden + layerNormEps);
    for (let i = 0; i < hidden; i++) data[t * hidden + i] = (row[i]! - mean) / deviation * gamma[i]! + beta[i]!;
  }
  return float32([tokens, hidden], data);
}

export const promptTuning: Method<PromptTuningOptions> = {
  name: "prompt-tuning",
  label: "Prompt tuning",
  title: "trained embeddings of virtual tokens",
  reference: "Lester et al. 2021, arXiv 2104.08691",
  options,
  attach: (config, { tokens, start }) => ({
    trainsBackbone: [],
    // Embeddings are of the size of activations, not of weights, and need a rate of their own (the paper's is 0.3).
    parameters: {
      [PROMPT]: {
        shape: [tokens, config.hidden],
        initial: start === "random" ? { kind: "uniform", bound: 0.5 } : { kind: "prepared" },
        group: "gates",
      },
    },
    ...(start === "vocabulary" && {
      prepare: ({ backbone, seed }) => ({
        parameters: { [PROMPT]: drawFromVocabulary(config, backbone, seed, tokens) },
      }),
    }),
    open: ({ parameter }) => ({ virtual: parameter(PROMPT) }),
    virtualTokens: tokens,
    observe: () => [],
    save: (parameters) => ({
      config: { peft_type: "PROMPT_TUNING", task_type: "SEQ_CLS", num_virtual_tokens: tokens },
      tensors: toPeft(parameters),
    }),
    restore: ({ tensors }) => fromPeft(tensors),
  }),
};
