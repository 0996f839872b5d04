/**
 * Disentangled self-attention (He et al. 2020, arXiv 2006.03654): content to content, content to position, position to content.
 *
 * Axes: B batch, S sequence, N rows, D hidden, H heads, d = D / H. Heads lead, so that the terms against the relative table,
 * which all examples share, are one product per head. Rows are tokens; attention goes by place, [B, S], padding included.
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

/** How a text of S positions is cut into blocks of R rows. */
const cut = (S: number) => S % BLOCK === 0 ? { blocks: S / BLOCK, R: BLOCK } : { blocks: 1, R: S };

/**
 * Rows in another order, [order] of them, whose gradient goes back by the opposite order.
 * @param x [rows, d]
 * @param kept what the gradient is multiplied with, where the opposite order has places that nothing goes to
 */
function reorder(x: Tensor, order: Tensor, back: Tensor, kept?: Tensor): Tensor {
  const apply = tf.customGrad((...args) => {
    const [x, order, back, save] = args as unknown as [Tensor, Tensor, Tensor, tf.GradSaveFunc];
    save(kept ? [order, back, kept] : [order, back]);
    const gradFunc = (dy: Tensor, [order, back, kept]: Tensor[]) => {
      const picked = tf.gather(dy, back!);
      const dx = kept ? tf.reshape(tf.mul(tf.reshape(picked, [-1, kept.size]), kept), picked.shape) : picked;
      return [dx, tf.zerosLike(order!), tf.zerosLike(back!)];
    };
    return { value: tf.gather(x, order), gradFunc };
  });
  return apply(x, order, back);
}

/**
 * Indices that turn scores by offset into scores by position, out[i, j] = x[i, j - i + R].
 *
 * Row i of the result starts R - i columns into row i of x, which has S + R + 1 of them. So in the flat array it starts
 * (S + R) i + R numbers in: whole rows of R numbers from the beginning. Rows of that size are what is picked.
 * @param groups products of a block
 */
export function skewOrders(groups: number, S: number): SkewOrders {
  const { blocks, R } = cut(S), perRow = S / R, W = S + R + 1;
  // Of scores by offset [blocks, groups, R, W], read as [blocks, groups, W, R].
  const order = new Int32Array(groups * S * perRow), back = new Int32Array(blocks * groups * W);
  for (let to = 0; to < order.length; to++) {
    const piece = to % perRow, i = Math.floor(to / perRow) % R, block = Math.floor(to / perRow / R) % blocks;
    const group = Math.floor(to / perRow / S), from = (block * groups + group) * W + i * (perRow + 1) + 1 + piece;
    order[to] = from;
    back[from] = to;
  }
  const kept = Float32Array.from({ length: W * R }, (_, i) => Math.floor(i / R) % (perRow + 1) === 0 ? 0 : 1);
  return { order: tf.tensor1d(order, "int32"), back: tf.tensor1d(back, "int32"), kept: tf.tensor1d(kept) };
}

export interface SkewOrders {
  readonly order: Tensor;
  readonly back: Tensor;
  /** Zero where scores by offset go nowhere. */
  readonly kept: Tensor;
}

/**
 * Products of every token with the relative rows of all positions: out[h b, i, j] = x[h, b i] . relative[h, j - i + S].
 *
 * All tokens together see 2S - 1 offsets, each of them S; a block of R tokens sees S + R - 1. A long text is taken in blocks.
 * @param x [H, B S, d]
 * @param relative [H, 2S + 1, d]
 * @returns [H B, S, S]
 */
export function byPosition(x: Tensor, relative: Tensor, { order, back, kept }: SkewOrders): Tensor {
  const [H, , d] = x.shape as [number, number, number], S = (relative.shape[1]! - 1) / 2, { blocks, R } = cut(S);
  const seen = Array.from({ length: blocks }, (_, k) => tf.slice(relative, [0, S - (k + 1) * R, 0], [H, S + R + 1, d]));
  const byBlock = blocks === 1 ? x : tf.transpose(tf.reshape(x, [H, -1, blocks, R * d]), [2, 0, 1, 3]);
  const rows = tf.reshape(byBlock, [blocks * H, -1, d]); // [blocks H, B R, d]
  const byOffset = tf.matMul(rows, blocks === 1 ? seen[0]! : tf.concat(seen), false, true); // [blocks H, B R, S + R + 1]
  return tf.reshape(reorder(tf.reshape(byOffset, [-1, R]), order, back, kept), [-1, S, S]);
}

/** What attention in every layer needs of a batch. */
export interface AttentionBatch {
  /** The normalized relative embeddings, [2 buckets, D]. */
  readonly table: Tensor;
  /** [1, B, 1, S], 0 for tokens and very negative for padding. */
  readonly bias: Tensor;
  /** Indices that take heads of rows [N H, d] to heads by place [H B S, d], and back. */
  readonly toPlaces: Tensor;
  readonly toRows: Tensor;
  readonly skew: SkewOrders;
  /** d. */
  readonly width: number;
}

/**
 * The orders in which attention reads a batch.
 * @param rowOf [B, S] int32
 * @param placeOf [N] int32
 */
export function ordersOf(
  rowOf: Tensor,
  placeOf: Tensor,
  heads: number,
): Pick<AttentionBatch, "toPlaces" | "toRows" | "skew"> {
  const head = tf.range(0, heads, 1, "int32"), places = rowOf.size, int = (n: number) => tf.scalar(n, "int32");
  const [B, S] = rowOf.shape as [number, number];
  const row = tf.mul(tf.reshape(rowOf, [1, -1]), int(heads)), place = tf.reshape(placeOf, [-1, 1]);
  return {
    toPlaces: tf.reshape(tf.add(tf.expandDims(head, 1), row), [-1]),
    toRows: tf.reshape(tf.add(tf.mul(tf.expandDims(head, 0), int(places)), place), [-1]),
    skew: skewOrders(heads * B, S),
  };
}

type Pair = [Tensor, Tensor];

/** The parts of a layer's attention that its two forms share. */
function partsOf({ config: { heads: H } }: Pass, layer: number, { bias, toPlaces, toRows, width: d }: AttentionBatch) {
  const self = `${layerName(layer)}.attention.self`, [, B, , S] = bias.shape as [number, number, number, number];
  return {
    layer,
    self,
    query: `${self}.query_proj`,
    key: `${self}.key_proj`,
    value: `${self}.value_proj`,
    B,
    S,
    H,
    d,
    /** Three terms share the scale 1 / sqrt(3 d): on the products of content, and on the relative rows. */
    scale: 1 / Math.sqrt(3 * d),
    /** [rows, D] -> [H, rows, d] */
    split: (y: Tensor) => tf.transpose(tf.reshape(y, [-1, H, d]), [1, 0, 2]),
    /** By row to by place, [N, D] -> [H, B S, d] */
    place: (y: Tensor) => tf.reshape(reorder(tf.reshape(y, [-1, d]), toPlaces, toRows), [H, B * S, d]),
    /** And back, [H, B S, d] -> [N, D] */
    collect: (y: Tensor) => tf.reshape(reorder(tf.reshape(y, [-1, d]), toRows, toPlaces), [-1, H * d]),
  };
}

/**
 * What the queries take from the values: softmax over the keys of their example and the layer's virtual ones.
 * @param scores [H, B, Q, S], padding ruled out
 * @param queries [H, B Q, d]
 * @param values [H B, S, d]
 * @returns [H, B Q, d]
 */
function take(pass: Pass, parts: ReturnType<typeof partsOf>, scores: Tensor, queries: Tensor, values: Tensor): Tensor {
  const { layer, self, B, S, H, d, scale, split } = parts, Q = scores.shape[2]!;
  const prefix = pass.prefix?.(layer), P = prefix?.key.shape[0] ?? 0;
  const virtual = prefix && tf.reshape(tf.mul(tf.matMul(queries, split(prefix.key), false, true), scale), [H, B, Q, P]);
  const probabilities = tf.softmax(virtual ? tf.concat([scores, virtual], -1) : scores);
  pass.observe?.(`attentions.${layerName(layer)}`, tf.transpose(probabilities, [1, 0, 2, 3])); // [B, H, Q, K]
  const dropped = pass.dropout(self, probabilities, pass.config.attentionDropout);
  const own = prefix ? tf.slice(dropped, [0, 0, 0, 0], [H, B, Q, S]) : dropped;
  const context = tf.reshape(tf.matMul(tf.reshape(own, [H * B, Q, S]), values), [H, B * Q, d]);
  if (!prefix) return context;
  const rest = tf.reshape(tf.slice(dropped, [0, 0, 0, S], [H, B, Q, P]), [H, B * Q, P]);
  return tf.add(context, tf.matMul(rest, split(prefix.value)));
}

/**
 * Attention of every token.
 * @param x [N, D]
 * @returns [N, D]
 */
export function attend(pass: Pass, layer: number, x: Tensor, batch: AttentionBatch): Tensor {
  const parts = partsOf(pass, layer, batch), { self, query, key, value, B, S, H, scale, split, place, collect } = parts;
  const perExample = (y: Tensor) => tf.reshape(y, [H * B, S, -1]);

  // The relative table goes through the projections of queries and keys, too (share_att_key), so both go together.
  const projected = pass.linear([query, key], tf.concat([x, relativeRows(pass, self, batch.table, S)]));
  const [[q, forQueries], [k, forKeys]] = projected.map((y) => tf.split(y, [x.shape[0]!, 2 * S + 1])) as [Pair, Pair];
  const [v] = pass.linear([value], x) as [Tensor];
  // For `byPosition`, row j for a query stands for the key j - S places on, and row j for a key for such a query.
  const [relativeQueries, relativeKeys] = [forQueries, tf.reverse(forKeys, 0)].map((y) =>
    tf.mul(split(y), scale)
  ) as Pair;

  const queries = place(q), keys = place(k); // [H, B S, d]
  const content = tf.mul(tf.matMul(perExample(queries), perExample(keys), false, true), scale); // [H B, S, S]
  const toPosition = byPosition(queries, relativeKeys, batch.skew);
  const fromPosition = byPosition(keys, relativeQueries, batch.skew); // [H B, key, query]
  const scores = tf.add(tf.add(content, toPosition), tf.transpose(fromPosition, [0, 2, 1]));

  const masked = tf.add(tf.reshape(scores, [H, B, S, S]), batch.bias);
  return collect(take(pass, parts, masked, queries, perExample(place(v))));
}

/**
 * Attention of each example's first token alone, for a last layer of which nothing else is read.
 * @param x [N, D]
 * @param first [B, D], the rows of x whose queries count
 * @returns [B, D], those rows of `attend`
 */
export function attendFirst(pass: Pass, layer: number, x: Tensor, first: Tensor, batch: AttentionBatch): Tensor {
  const parts = partsOf(pass, layer, batch), { self, query, key, value, B, S, H, d, scale, split, place } = parts;
  // Seen from position 0 the offset to position k is -k, for either term.
  const relative = tf.reverse(tf.slice(relativeRows(pass, self, batch.table, S), [1, 0], [S, -1]), 0);
  const [forQuery] = pass.linear([query], tf.concat([first, relative])) as [Tensor];
  const [forKey] = pass.linear([key], tf.concat([x, relative])) as [Tensor];
  const [valueRows] = pass.linear([value], x) as [Tensor];
  const [q, relativeQueries] = tf.split(forQuery, [B, S]).map(split) as Pair; // [H, B, d] and [H, S, d]
  const [keyRows, forPositions] = tf.split(forKey, [x.shape[0]!, S]) as Pair;
  const k = place(keyRows), relativeKeys = split(forPositions); // [H, B S, d] and [H, S, d]
  const v = place(valueRows), scaled = tf.mul(q, scale);

  const content = tf.matMul(tf.reshape(scaled, [H * B, 1, d]), tf.reshape(k, [H * B, S, d]), false, true); // [H B, 1, S]
  const toPosition = tf.matMul(scaled, relativeKeys, false, true); // [H, B, S]
  const fromPosition = tf.sum(
    tf.mul(tf.reshape(k, [H, B, S, d]), tf.expandDims(tf.mul(relativeQueries, scale), 1)),
    -1,
  ); // [H, B, S]
  const scores = tf.add(tf.add(tf.reshape(content, [H, B, S]), toPosition), fromPosition);

  const masked = tf.add(tf.reshape(scores, [H, B, 1, S]), batch.bias);
  const context = take(pass, parts, masked, q, tf.reshape(v, [H * B, S, d])); // [H, B, d]
  return tf.reshape(tf.transpose(context, [1, 0, 2]), [B, H * d]);
}
