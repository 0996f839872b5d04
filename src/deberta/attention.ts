/**
 * Disentangled self-attention (He et al. 2020, arXiv 2006.03654): content to content, content to position, position to content.
 *
 * Axes: B batch, S sequence, N = B S tokens, D hidden, H heads, d = D / H. Heads lead, so that the terms against the relative
 * table, which all examples share, are one product per head.
 */
import * as tf from "@tensorflow/tfjs";
import { layerName } from "./config.ts";
import type { Pass } from "./encoder.ts";
import { logBucket } from "./relative_position.ts";

type Tensor = tf.Tensor;

/**
 * Rows of the normalized relative table for every offset that can occur: row i stands for query - key = i - S. Dropout comes
 * first, so that offsets of one bucket lose the same numbers.
 * @param table [2 buckets, D]
 * @returns [2S + 1, D]
 */
function relativeRows({ config, dropout }: Pass, self: string, table: Tensor, length: number): Tensor {
  const { positionBuckets: span, maxPosition } = config;
  const rows = Array.from({ length: 2 * length + 1 }, (_, i) => logBucket(i - length, span, maxPosition) + span);
  const picked = tf.tensor1d(rows.map((row) => Math.min(Math.max(row, 0), 2 * span - 1)), "int32");
  return tf.gather(dropout(`${self}.positions`, table, config.hiddenDropout), picked);
}

/** Rows whose offsets are scored together. */
const BLOCK = 32;

/**
 * Turns scores by offset into scores by position: out[i, j] = x[i, j - i + R - 1].
 *
 * Row i of the result starts R - 1 - i columns into row i of x. Read with rows one shorter than they are, the flat array
 * shifts by just that, so two slices do what a gather would, and their gradient is padding instead of a scatter.
 * @param x [G, R, S + R]
 * @returns [G, R, S]
 */
function skew(x: Tensor): Tensor {
  const [groups, rows, width] = x.shape as [number, number, number];
  const flat = tf.reshape(x, [groups, rows * width]);
  const shifted = tf.slice(flat, [0, rows - 1], [groups, rows * (width - 1)]);
  return tf.slice(tf.reshape(shifted, [groups, rows, width - 1]), [0, 0, 0], [groups, rows, width - rows]);
}

/**
 * Products of every token with the relative rows of all positions: out[h b, i, j] = x[h, b i] . relative[h, j - i + S - 1].
 *
 * All tokens together see 2S - 1 offsets, each of them S; a block of R tokens sees S + R - 1. A long text is taken in blocks.
 * @param x [H, B S, d]
 * @param relative [H, 2S, d]
 * @returns [H B, S, S]
 */
export function byPosition(x: Tensor, relative: Tensor): Tensor {
  const [H, , d] = x.shape as [number, number, number], S = relative.shape[1]! / 2;
  const blocks = S % BLOCK === 0 ? S / BLOCK : 1, R = S / blocks;
  const parts = blocks === 1 ? [x] : tf.split(tf.reshape(x, [H, -1, S, d]), blocks, 2);
  return tf.concat(
    parts.map((part, i) => {
      const seen = tf.slice(relative, [0, S - (i + 1) * R, 0], [H, S + R, d]);
      const byOffset = tf.matMul(tf.reshape(part, [H, -1, d]), seen, false, true); // [H, B R, S + R]
      return skew(tf.reshape(byOffset, [-1, R, S + R]));
    }),
    1,
  );
}

/** Of query, key and value: the rows of the content, then those of the relative table. */
type Pairs = [[Tensor, Tensor], [Tensor, Tensor], [Tensor, Tensor]];

/** The parts of a layer's attention that its two forms share. */
function partsOf({ config: { heads: H, hidden } }: Pass, layer: number) {
  const self = `${layerName(layer)}.attention.self`, d = hidden / H;
  return {
    layer,
    self,
    query: `${self}.query_proj`,
    key: `${self}.key_proj`,
    value: `${self}.value_proj`,
    H,
    d,
    /** Three terms share the scale 1 / sqrt(3 d): on q for the first two, on the relative queries for the third. */
    scale: 1 / Math.sqrt(3 * d),
    /** [rows, D] -> [H, rows, d] */
    split: (y: Tensor) => tf.transpose(tf.reshape(y, [-1, H, d]), [1, 0, 2]),
  };
}

/**
 * What the queries take from the values: softmax over the keys of their example and the layer's virtual ones.
 * @param scores [H, B, Q, S], padding ruled out
 * @param queries [H, B Q, d], scaled
 * @param values [H B, S, d]
 * @returns [B Q, D]
 */
function take(pass: Pass, parts: ReturnType<typeof partsOf>, scores: Tensor, queries: Tensor, values: Tensor): Tensor {
  const { layer, self, H, d, split } = parts, [, B, Q, S] = scores.shape as [number, number, number, number];
  const prefix = pass.prefix?.(layer), P = prefix?.key.shape[0] ?? 0;
  const virtual = prefix && tf.reshape(tf.matMul(queries, split(prefix.key), false, true), [H, B, Q, P]);
  const probabilities = tf.softmax(virtual ? tf.concat([scores, virtual], -1) : scores);
  pass.observe?.(`attentions.${layerName(layer)}`, tf.transpose(probabilities, [1, 0, 2, 3])); // [B, H, Q, K]
  const dropped = pass.dropout(self, probabilities, pass.config.attentionDropout);
  const own = prefix ? tf.slice(dropped, [0, 0, 0, 0], [H, B, Q, S]) : dropped;
  let context = tf.reshape(tf.matMul(tf.reshape(own, [H * B, Q, S]), values), [H, B * Q, d]);
  if (prefix) {
    const rest = tf.reshape(tf.slice(dropped, [0, 0, 0, S], [H, B, Q, P]), [H, B * Q, P]);
    context = tf.add(context, tf.matMul(rest, split(prefix.value)));
  }
  return tf.reshape(tf.transpose(context, [1, 0, 2]), [B * Q, H * d]);
}

/**
 * Attention of every token.
 * @param x [N, D]
 * @param table the normalized relative embeddings, [2 buckets, D]
 * @param bias [1, B, 1, S], 0 for tokens and very negative for padding
 * @returns [N, D]
 */
export function attend(pass: Pass, layer: number, x: Tensor, table: Tensor, bias: Tensor): Tensor {
  const parts = partsOf(pass, layer), { self, query, key, value, H, scale, split } = parts;
  const [, B, , S] = bias.shape as [number, number, number, number];
  const perExample = (y: Tensor) => tf.reshape(y, [H * B, S, -1]);

  // The relative table goes through the same projections as the content (share_att_key), so both go together.
  const projected = pass.linear([query, key, value], tf.concat([x, relativeRows(pass, self, table, S)]));
  const [[q, forQueries], [k, forKeys], [v]] = projected.map((y) => tf.split(y, [B * S, 2 * S + 1])) as Pairs;
  // For `byPosition`, row j for a query stands for the key j - (S - 1) places on, and row j for a key for such a query.
  const relativeQueries = split(tf.slice(forQueries, [1, 0])); // [H, 2S, d]
  const relativeKeys = split(tf.reverse(tf.slice(forKeys, [0, 0], [2 * S, -1]), 0));

  const scaled = tf.mul(split(q), scale), keys = split(k);
  const content = tf.matMul(perExample(scaled), perExample(keys), false, true); // [H B, S, S]
  const toPosition = byPosition(scaled, relativeKeys);
  const fromPosition = byPosition(keys, tf.mul(relativeQueries, scale)); // [H B, key, query]
  const scores = tf.add(tf.add(content, toPosition), tf.transpose(fromPosition, [0, 2, 1]));

  return take(pass, parts, tf.add(tf.reshape(scores, [H, B, S, S]), bias), scaled, perExample(split(v)));
}

/**
 * Attention of each example's first token alone, for a last layer of which nothing else is read.
 * @param x [N, D]
 * @param first [B, D], the rows of x whose queries count
 * @param bias [1, B, 1, S]
 * @returns [B, D], those rows of `attend`
 */
export function attendFirst(
  pass: Pass,
  layer: number,
  x: Tensor,
  first: Tensor,
  table: Tensor,
  bias: Tensor,
): Tensor {
  const parts = partsOf(pass, layer), { self, query, key, value, H, d, scale, split } = parts;
  const [, B, , S] = bias.shape as [number, number, number, number];
  // Seen from position 0 the offset to position k is -k, for either term.
  const relative = tf.reverse(tf.slice(relativeRows(pass, self, table, S), [1, 0], [S, -1]), 0);
  const [forQuery] = pass.linear([query], tf.concat([first, relative])) as [Tensor];
  const [forKey, forValue] = pass.linear([key, value], tf.concat([x, relative])) as [Tensor, Tensor];
  const [q, relativeQueries] = tf.split(forQuery, [B, S]).map(split) as [Tensor, Tensor]; // [H, B, d] and [H, S, d]
  const [k, relativeKeys] = tf.split(forKey, [B * S, S]).map(split) as [Tensor, Tensor]; // [H, N, d]
  const v = split(tf.split(forValue, [B * S, S])[0]!), scaled = tf.mul(q, scale);

  const content = tf.matMul(tf.reshape(scaled, [H * B, 1, d]), tf.reshape(k, [H * B, S, d]), false, true); // [H B, 1, S]
  const toPosition = tf.matMul(scaled, relativeKeys, false, true); // [H, B, S]
  const fromPosition = tf.sum(
    tf.mul(tf.reshape(k, [H, B, S, d]), tf.expandDims(tf.mul(relativeQueries, scale), 1)),
    -1,
  ); // [H, B, S]
  const scores = tf.add(tf.add(tf.reshape(content, [H, B, S]), toPosition), fromPosition);

  return take(pass, parts, tf.add(tf.reshape(scores, [H, B, 1, S]), bias), scaled, tf.reshape(v, [H * B, S, d]));
}
