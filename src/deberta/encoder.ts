/**
 * DeBERTaV3's encoder and classification head (He et al. 2021, arXiv 2111.09543).
 *
 * Axes: B batch, S sequence, N rows, D hidden, H heads, d = D / H.
 * Activations are matrices [N, D], so that every projection is one matrix product. Which token has which row is said in
 * `packing.ts`: the first tokens of the texts come first, and padding may have no row of its own.
 */
import * as tf from "@tensorflow/tfjs";
import { attend, attendFirst, ordersOf } from "./attention.ts";
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
  /** Embeddings [P, D] of virtual tokens, which every text has after its first one. */
  readonly virtual?: Tensor;
  /** Virtual keys and values [P, D] of a layer. */
  prefix?(layer: number): { readonly key: Tensor; readonly value: Tensor } | undefined;
  /** What a fine-tuning method makes of a sublayer's output, before the residual sum. */
  afterSublayer(module: string, h: Tensor): Tensor;
  /** Dropout where the original has it; the identity outside training. */
  dropout(name: string, x: Tensor, rate: number): Tensor;
  /** Sees intermediate results by name (comparisons with other implementations). */
  observe?(name: string, x: Tensor): void;
}

/** A batch as `packTokens` lays it out. */
export interface Tokens {
  /** [N] int32, by row. */
  readonly ids: Tensor;
  /** [B, S] float32, 1 for a token and 0 for padding. */
  readonly mask: Tensor;
  /** The row of each place, [B, S] int32. */
  readonly rowOf: Tensor;
  /** The place of each row, [N] int32, counted through the batch. */
  readonly placeOf: Tensor;
}

/** The batch among a program's inputs. */
export const tokensOf = ({ ids, mask, rowOf, placeOf }: Readonly<Record<string, Tensor>>): Tokens => ({
  ids: ids!,
  mask: mask!,
  rowOf: rowOf!,
  placeOf: placeOf!,
});

/** The plain projection x W^T + b. @param x [N, in] @returns [N, out] */
export function affine(pass: Pick<Pass, "weight">, module: string, x: Tensor): Tensor {
  return tf.add(tf.matMul(x, pass.weight(`${module}.weight`), false, true), pass.weight(`${module}.bias`));
}

function normalize(pass: Pass, name: string, x: Tensor): Tensor {
  return layerNorm(x, pass.weight(`${name}.weight`), pass.weight(`${name}.bias`), pass.config.layerNormEps);
}

function embed(pass: Pass, { ids, mask, placeOf }: Tokens): Tensor {
  const normed = normalize(pass, "deberta.embeddings.LayerNorm", tf.gather(pass.weight(WORD_EMBEDDINGS), ids)); // [N, D]
  const masked = tf.mul(normed, tf.expandDims(tf.gather(tf.reshape(mask, [-1]), placeOf), 1));
  return pass.dropout("embeddings", masked, pass.config.hiddenDropout);
}

/** [P, D] so many times below itself. */
function repeated(x: Tensor, times: number): Tensor {
  return tf.reshape(tf.mul(tf.ones([times, 1, 1]), x), [-1, x.shape[1]!]);
}

/** A batch whose texts have P virtual tokens after their first one: their rows come after those of the first tokens. */
function withVirtual({ ids, mask, rowOf, placeOf }: Tokens, P: number): Tokens {
  const [B, S] = mask.shape as [number, number], added = tf.range(0, B * P, 1, "int32");
  const moved = tf.add(tf.slice(rowOf, [0, 1]), tf.scalar(B * P, "int32"));
  const virtualRows = tf.reshape(tf.add(added, tf.scalar(B, "int32")), [B, P]);
  // Place b S + s becomes b (S + P) + s, and P more if it is not a text's first: P for each text begun before it.
  // (Half a place away from whole texts, so that a division may be a little off.)
  const place = tf.cast(placeOf, "float32"), begun = tf.floor(tf.div(tf.add(place, S - 0.5), S));
  const places = tf.cast(tf.add(place, tf.mul(begun, P)), "int32");
  const virtualPlaces = Array.from({ length: B * P }, (_, i) => Math.floor(i / P) * (S + P) + 1 + i % P);
  return {
    ids,
    // The first token is there in every text, as virtual ones are.
    mask: tf.concat([tf.ones([B, P]), mask], 1),
    rowOf: tf.concat([tf.slice(rowOf, [0, 0], [B, 1]), virtualRows, moved], 1),
    placeOf: tf.concat([tf.slice(places, [0], [B]), tf.tensor1d(virtualPlaces, "int32"), tf.slice(places, [B])]),
  };
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
  const { config: { heads, hidden }, virtual } = pass, embedded = embed(pass, tokens);
  const [B] = tokens.mask.shape as [number], P = virtual?.shape[0] ?? 0;
  const x = virtual ? tf.concat([firstRows(embedded, B), repeated(virtual, B), tf.slice(embedded, [B, 0])]) : embedded;
  const { mask, rowOf, placeOf } = virtual ? withVirtual(tokens, P) : tokens, S = mask.shape[1]!;
  /** Shows rows by place, whoever watches. */
  const show = (name: string, rows: Tensor) => pass.observe?.(name, tf.gather(rows, tf.reshape(rowOf, [-1])));
  show("hidden_states.0", x);
  const table = normalize(pass, "deberta.encoder.LayerNorm", pass.weight("deberta.encoder.rel_embeddings.weight"));
  pass.observe?.("rel_embeddings_normed", table);
  // Large enough to vanish in the softmax, small enough to add to a score without overflow.
  const bias = tf.reshape(tf.mul(tf.sub(1, mask), -1e9), [1, B, 1, S]);
  return { x, show, batch: { table, bias, ...ordersOf(rowOf, placeOf, heads), width: hidden / heads } };
}

/** The encoder's first layers. */
function runLayers(pass: Pass, count: number, { x: embedded, batch, show }: ReturnType<typeof prepare>): Tensor {
  let x = embedded;
  for (let i = 0; i < count; i++) {
    const layer = layerName(i);
    x = feedForward(pass, layer, close(pass, `${layer}.attention.output`, attend(pass, i, x, batch), x));
    show(`hidden_states.${i + 1}`, x);
  }
  return x;
}

/**
 * Runs the encoder.
 * @returns [N, D], the output of the last layer, by row
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
  const [B] = tokens.mask.shape as [number], last = pass.config.layers - 1, layer = layerName(last);
  const shared = prepare(pass, tokens), x = runLayers(pass, last, shared), first = firstRows(x, B);
  const attended = attendFirst(pass, last, x, first, shared.batch);
  return feedForward(pass, layer, close(pass, `${layer}.attention.output`, attended, first));
}

/** The rows of each text's first token. @param x [N, D] @returns [B, D] */
export function firstRows(x: Tensor, batch: number): Tensor {
  return tf.slice(x, [0, 0], [batch, -1]);
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
