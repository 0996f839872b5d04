/**
 * DeBERTaV3's encoder (He et al. 2021, arXiv 2111.09543; attention: He et al. 2020, arXiv 2006.03654).
 *
 * Axes: B batch, S sequence, N = B S tokens, D hidden, H heads, d = D / H.
 * Activations are matrices [N, D], so that every projection is one matrix product.
 */
import * as tf from "@tensorflow/tfjs";
import { gelu, layerNorm } from "./composites.ts";
import { type DebertaConfig, layerName } from "./config.ts";
import { logBucket } from "./relative_position.ts";

type Tensor = tf.Tensor;

/** What a forward pass runs with. */
export interface Pass {
  readonly config: DebertaConfig;
  /** A parameter by its Hugging Face name. */
  weight(name: string): Tensor;
  /** The projections of one input by several modules; a fine-tuning method may put its own in their place. */
  linear(modules: readonly string[], x: Tensor): Tensor[];
  /** What a fine-tuning method makes of a sublayer's output, before the residual sum. */
  afterSublayer(module: string, h: Tensor): Tensor;
  /** Dropout where the original has it; the identity outside training. */
  dropout(name: string, x: Tensor, rate: number): Tensor;
  /** Sees intermediate results by name (comparisons with other implementations). */
  observe?(name: string, x: Tensor): void;
}

export interface Tokens {
  /** [B, S] int32. */
  readonly ids: Tensor;
  /** [B, S] float32, 1 for a token and 0 for padding. */
  readonly mask: Tensor;
}

/** The plain projection x W^T + b. @param x [N, in] @returns [N, out] */
export function affine(pass: Pick<Pass, "weight">, module: string, x: Tensor): Tensor {
  return tf.add(tf.matMul(x, pass.weight(`${module}.weight`), false, true), pass.weight(`${module}.bias`));
}

function normalize(pass: Pass, name: string, x: Tensor): Tensor {
  return layerNorm(x, pass.weight(`${name}.weight`), pass.weight(`${name}.bias`), pass.config.layerNormEps);
}

function embed(pass: Pass, { ids, mask }: Tokens): Tensor {
  const table = pass.weight("deberta.embeddings.word_embeddings.weight");
  const rows = tf.gather(table, tf.reshape(ids, [-1])); // [N, D]
  const normed = normalize(pass, "deberta.embeddings.LayerNorm", rows);
  const masked = tf.mul(normed, tf.reshape(mask, [-1, 1]));
  return pass.dropout("embeddings", masked, pass.config.hiddenDropout);
}

/** Rows of the normalized relative table for every offset that can occur, in the order that `skew` expects. */
interface RelativeRows {
  /** [2S, D]; row j stands for query - key = S - 1 - j. */
  readonly forKeys: Tensor;
  /** [2S, D]; row j stands for query - key = j - (S - 1). */
  readonly forQueries: Tensor;
}

function relativeRows(pass: Pass, length: number): RelativeRows {
  const { positionBuckets: span, maxPosition } = pass.config;
  const table = normalize(pass, "deberta.encoder.LayerNorm", pass.weight("deberta.encoder.rel_embeddings.weight"));
  pass.observe?.("rel_embeddings_normed", table);
  const row = (offset: number) => {
    return Math.min(Math.max(logBucket(offset, span, maxPosition) + span, 0), 2 * span - 1);
  };
  const pick = (offsetOf: (j: number) => number) => {
    return tf.gather(table, tf.tensor1d(Array.from({ length: 2 * length }, (_, j) => row(offsetOf(j))), "int32"));
  };
  return { forKeys: pick((j) => length - 1 - j), forQueries: pick((j) => j - (length - 1)) };
}

/**
 * Turns scores by offset into scores by position: out[i, j] = x[i, j - i + S - 1].
 *
 * Row i of the result starts S - 1 - i columns into row i of x. Read with rows one shorter than they are, the flat array
 * shifts by just that, so two slices do what a gather would, and their gradient is padding instead of a scatter.
 * @param x [G, S, 2S]
 * @returns [G, S, S]
 */
export function skew(x: Tensor): Tensor {
  const [groups, length] = x.shape as [number, number];
  const flat = tf.reshape(x, [groups, 2 * length * length]);
  const shifted = tf.slice(flat, [0, length - 1], [groups, length * (2 * length - 1)]);
  return tf.slice(tf.reshape(shifted, [groups, length, 2 * length - 1]), [0, 0, 0], [groups, length, length]);
}

/** Disentangled self-attention. @param x [N, D] @param bias [1, B, 1, S] @returns [N, D] */
function attend(pass: Pass, layer: string, x: Tensor, relative: RelativeRows, bias: Tensor): Tensor {
  const { heads: H, hidden } = pass.config, d = hidden / H;
  const [, B, , S] = bias.shape as [number, number, number, number];
  const self = `${layer}.attention.self`, query = `${self}.query_proj`, key = `${self}.key_proj`;
  // [rows, D] -> [H, rows, d]
  const split = (y: Tensor) => tf.transpose(tf.reshape(y, [-1, H, d]), [1, 0, 2]);
  const perExample = (y: Tensor) => tf.reshape(y, [H * B, S, -1]);

  const [q, k, v] = pass.linear([query, key, `${self}.value_proj`], x).map(split) as [Tensor, Tensor, Tensor];
  // The relative table goes through the same projections as the content (share_att_key). It depends on weights alone.
  const relativeKeys = split(pass.linear([key], relative.forKeys)[0]!); // [H, 2S, d]
  const relativeQueries = split(pass.linear([query], relative.forQueries)[0]!);

  // Three terms share the scale 1 / sqrt(3 d): on q for the first two, on the relative queries for the third.
  const scale = 1 / Math.sqrt(3 * d), scaled = tf.mul(q, scale);
  const content = tf.matMul(perExample(scaled), perExample(k), false, true); // [H B, S, S]
  const toPosition = skew(perExample(tf.matMul(scaled, relativeKeys, false, true)));
  const fromPosition = skew(perExample(tf.matMul(k, tf.mul(relativeQueries, scale), false, true))); // [H B, key, query]
  const scores = tf.add(tf.add(content, toPosition), tf.transpose(fromPosition, [0, 2, 1]));

  const probabilities = tf.softmax(tf.add(tf.reshape(scores, [H, B, S, S]), bias));
  pass.observe?.(`attentions.${layer}`, tf.transpose(probabilities, [1, 0, 2, 3])); // [B, H, Q, K]
  const dropped = pass.dropout(`${layer}.attention.self`, probabilities, pass.config.attentionDropout);
  const context = tf.matMul(tf.reshape(dropped, [H * B, S, S]), perExample(v)); // [H B, S, d]
  return tf.reshape(tf.transpose(tf.reshape(context, [H, B * S, d]), [1, 0, 2]), [B * S, hidden]);
}

/** The end of a sublayer: project, let the method see it, drop, add the residual, normalize. */
function close(pass: Pass, name: string, h: Tensor, residual: Tensor): Tensor {
  const [projected] = pass.linear([`${name}.dense`], h) as [Tensor];
  const out = pass.dropout(name, pass.afterSublayer(`${name}.dense`, projected), pass.config.hiddenDropout);
  return normalize(pass, `${name}.LayerNorm`, tf.add(out, residual));
}

/**
 * Runs the encoder.
 * @returns [N, D], the output of the last layer
 */
export function encode(pass: Pass, tokens: Tokens): Tensor {
  const [B, S] = tokens.ids.shape as [number, number];
  // Large enough to vanish in the softmax, small enough to add to a score without overflow.
  const bias = tf.reshape(tf.mul(tf.sub(1, tokens.mask), -1e9), [1, B, 1, S]);
  const relative = relativeRows(pass, S);
  let x = embed(pass, tokens);
  pass.observe?.("hidden_states.0", x);
  for (let i = 0; i < pass.config.layers; i++) {
    const layer = layerName(i);
    x = close(pass, `${layer}.attention.output`, attend(pass, layer, x, relative, bias), x);
    const [inner] = pass.linear([`${layer}.intermediate.dense`], x) as [Tensor];
    x = close(pass, `${layer}.output`, gelu(inner), x);
    pass.observe?.(`hidden_states.${i + 1}`, x);
  }
  return x;
}

/**
 * The head for sequence classification or regression: pooler on the first token, dropout, classifier.
 * @param hidden [N, D]
 * @param dropoutRate of the pooled vector (`cls_dropout`)
 * @returns [B, labels]
 */
export function classify(pass: Pass, hidden: Tensor, batch: number, dropoutRate: number): Tensor {
  const width = pass.config.hidden;
  const first = tf.slice(tf.reshape(hidden, [batch, -1, width]), [0, 0, 0], [batch, 1, width]);
  const pooled = gelu(affine(pass, "pooler.dense", tf.reshape(first, [batch, width])));
  pass.observe?.("pooled", pooled);
  return affine(pass, "classifier", pass.dropout("classifier", pooled, dropoutRate));
}
