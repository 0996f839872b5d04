/**
 * DeBERTaV3's encoder and classification head (He et al. 2021, arXiv 2111.09543).
 *
 * Axes: B batch, S sequence, N = B S tokens, D hidden, H heads, d = D / H.
 * Activations are matrices [N, D], so that every projection is one matrix product.
 */
import * as tf from "@tensorflow/tfjs";
import { attend, attendFirst } from "./attention.ts";
import { gelu, layerNorm } from "./composites.ts";
import { type DebertaConfig, layerName, WORD_EMBEDDINGS } from "./config.ts";

type Tensor = tf.Tensor;

/** What a forward pass runs with. */
export interface Pass {
  readonly config: DebertaConfig;
  /** A parameter by its Hugging Face name. */
  weight(name: string): Tensor;
  /** The projections of one input by several modules; a fine-tuning method may put its own in their place. */
  linear(modules: readonly string[], x: Tensor): Tensor[];
  /** Embedded tokens with virtual ones after each example's first. @param x [B S, D] @returns [B (S + P), D] */
  embed?(x: Tensor, batch: number): Tensor;
  /** Virtual keys and values [P, D] of a layer. */
  prefix?(layer: number): { readonly key: Tensor; readonly value: Tensor } | undefined;
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
  const table = pass.weight(WORD_EMBEDDINGS);
  const rows = tf.gather(table, tf.reshape(ids, [-1])); // [N, D]
  const normed = normalize(pass, "deberta.embeddings.LayerNorm", rows);
  const masked = tf.mul(normed, tf.reshape(mask, [-1, 1]));
  return pass.dropout("embeddings", masked, pass.config.hiddenDropout);
}

/** The end of a sublayer: project, let the method see it, drop, add the residual, normalize. */
function close(pass: Pass, name: string, h: Tensor, residual: Tensor): Tensor {
  const [projected] = pass.linear([`${name}.dense`], h) as [Tensor];
  const out = pass.dropout(name, pass.afterSublayer(`${name}.dense`, projected), pass.config.hiddenDropout);
  return normalize(pass, `${name}.LayerNorm`, tf.add(out, residual));
}

function feedForward(pass: Pass, layer: string, x: Tensor): Tensor {
  const [inner] = pass.linear([`${layer}.intermediate.dense`], x) as [Tensor];
  return close(pass, `${layer}.output`, gelu(inner), x);
}

/** The embedded tokens, and what every layer needs of a batch. */
function prepare(pass: Pass, tokens: Tokens) {
  const [B] = tokens.ids.shape as [number, number], embedded = embed(pass, tokens);
  const x = pass.embed?.(embedded, B) ?? embedded, S = x.shape[0]! / B, added = S - tokens.ids.shape[1]!;
  // Virtual tokens are there in every example, as its first token is.
  const mask = added === 0 ? tokens.mask : tf.concat([tf.ones([B, added]), tokens.mask], 1);
  pass.observe?.("hidden_states.0", x);
  const table = normalize(pass, "deberta.encoder.LayerNorm", pass.weight("deberta.encoder.rel_embeddings.weight"));
  pass.observe?.("rel_embeddings_normed", table);
  // Large enough to vanish in the softmax, small enough to add to a score without overflow.
  const bias = tf.reshape(tf.mul(tf.sub(1, mask), -1e9), [1, B, 1, S]);
  return { x, bias, table };
}

/** The encoder's first layers. */
function runLayers(pass: Pass, count: number, { x: embedded, table, bias }: ReturnType<typeof prepare>): Tensor {
  let x = embedded;
  for (let i = 0; i < count; i++) {
    const layer = layerName(i);
    x = feedForward(pass, layer, close(pass, `${layer}.attention.output`, attend(pass, i, x, table, bias), x));
    pass.observe?.(`hidden_states.${i + 1}`, x);
  }
  return x;
}

/**
 * Runs the encoder.
 * @returns [N, D], the output of the last layer
 */
export function encode(pass: Pass, tokens: Tokens): Tensor {
  return runLayers(pass, pass.config.layers, prepare(pass, tokens));
}

/**
 * Runs the encoder for the first token of each example, which is all that classification reads: the last layer then needs
 * keys and values of every token, but one query, one attention row and one feed-forward row per example.
 * @returns [B, D], those rows of `encode`
 */
export function encodeFirst(pass: Pass, tokens: Tokens): Tensor {
  const [B] = tokens.ids.shape as [number], last = pass.config.layers - 1, layer = layerName(last);
  const shared = prepare(pass, tokens), x = runLayers(pass, last, shared), first = firstRows(x, B);
  const attended = attendFirst(pass, last, x, first, shared.table, shared.bias);
  return feedForward(pass, layer, close(pass, `${layer}.attention.output`, attended, first));
}

/** The rows of each example's first token. @param x [N, D] @returns [B, D] */
export function firstRows(x: Tensor, batch: number): Tensor {
  const width = x.shape[1]!;
  return tf.reshape(tf.slice(tf.reshape(x, [batch, -1, width]), [0, 0, 0], [batch, 1, width]), [batch, width]);
}

/**
 * The head for sequence classification or regression: pooler on the first token, dropout, classifier.
 * @param first [B, D]
 * @param dropoutRate of the pooled vector (`cls_dropout`)
 * @returns [B, labels]
 */
export function classify(pass: Pass, first: Tensor, dropoutRate: number): Tensor {
  const pooled = gelu(affine(pass, "pooler.dense", first));
  pass.observe?.("pooled", pooled);
  return affine(pass, "classifier", pass.dropout("classifier", pooled, dropoutRate));
}
