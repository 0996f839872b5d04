/** The shape of a DeBERTaV3 encoder, read from Hugging Face's config.json or written down. */
import { z } from "zod";
import { InputError } from "../errors.ts";

export interface DebertaConfig {
  readonly vocabulary: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of the feed-forward sublayer. */
  readonly ffn: number;
  readonly maxPosition: number;
  /** Log buckets of relative distances on each side of zero: the relative table has twice as many rows. */
  readonly positionBuckets: number;
  readonly layerNormEps: number;
  readonly hiddenDropout: number;
  readonly attentionDropout: number;
}

const huggingFace = z.object({
  model_type: z.literal("deberta-v2"),
  vocab_size: z.int().positive(),
  hidden_size: z.int().positive(),
  num_hidden_layers: z.int().positive(),
  num_attention_heads: z.int().positive(),
  intermediate_size: z.int().positive(),
  hidden_act: z.literal("gelu"),
  hidden_dropout_prob: z.number().min(0).max(1),
  attention_probs_dropout_prob: z.number().min(0).max(1),
  max_position_embeddings: z.int().positive(),
  position_buckets: z.int().positive(),
  layer_norm_eps: z.number().positive(),
  relative_attention: z.literal(true),
  norm_rel_ebd: z.literal("layer_norm"),
  share_att_key: z.literal(true),
  position_biased_input: z.literal(false),
  type_vocab_size: z.literal(0),
});

/**
 * Reads a config.json of Hugging Face's `deberta-v2` with the settings that make it DeBERTaV3.
 * @throws InputError naming the settings that another architecture would need
 */
export function parseDebertaConfig(json: unknown): DebertaConfig {
  const parsed = huggingFace.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new InputError(`This config.json is not a DeBERTaV3: ${issue!.path.join(".")}: ${issue!.message}`);
  }
  const c = parsed.data;
  if (c.hidden_size % c.num_attention_heads) {
    throw new InputError(
      `hidden_size "${c.hidden_size}" is not a multiple of num_attention_heads "${c.num_attention_heads}"`,
    );
  }
  return {
    vocabulary: c.vocab_size,
    hidden: c.hidden_size,
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    ffn: c.intermediate_size,
    maxPosition: c.max_position_embeddings,
    positionBuckets: c.position_buckets,
    layerNormEps: c.layer_norm_eps,
    hiddenDropout: c.hidden_dropout_prob,
    attentionDropout: c.attention_probs_dropout_prob,
  };
}

/** The table with a row for every token of the vocabulary. */
export const WORD_EMBEDDINGS = "deberta.embeddings.word_embeddings.weight";

/** The tensors of the encoder with their shapes, under their Hugging Face names, in the order of the model. */
export function encoderShapes(
  { vocabulary, hidden, layers, ffn, positionBuckets }: DebertaConfig,
): Record<string, number[]> {
  const shapes: Record<string, number[]> = {};
  const linear = (name: string, out: number, into: number) => {
    shapes[`${name}.weight`] = [out, into];
    shapes[`${name}.bias`] = [out];
  };
  const norm = (name: string) => {
    shapes[`${name}.weight`] = [hidden];
    shapes[`${name}.bias`] = [hidden];
  };
  shapes[WORD_EMBEDDINGS] = [vocabulary, hidden];
  norm("deberta.embeddings.LayerNorm");
  for (let i = 0; i < layers; i++) {
    const layer = layerName(i);
    for (const projection of ["query", "key", "value"]) {
      linear(`${layer}.attention.self.${projection}_proj`, hidden, hidden);
    }
    linear(`${layer}.attention.output.dense`, hidden, hidden);
    norm(`${layer}.attention.output.LayerNorm`);
    linear(`${layer}.intermediate.dense`, ffn, hidden);
    linear(`${layer}.output.dense`, hidden, ffn);
    norm(`${layer}.output.LayerNorm`);
  }
  shapes["deberta.encoder.rel_embeddings.weight"] = [2 * positionBuckets, hidden];
  norm("deberta.encoder.LayerNorm");
  return shapes;
}

/** The tensors of the sequence classification head; one label means regression. */
export function headShapes({ hidden }: DebertaConfig, labels: number): Record<string, number[]> {
  return {
    "pooler.dense.weight": [hidden, hidden],
    "pooler.dense.bias": [hidden],
    "classifier.weight": [labels, hidden],
    "classifier.bias": [labels],
  };
}

export const layerName = (layer: number): string => `deberta.encoder.layer.${layer}`;
