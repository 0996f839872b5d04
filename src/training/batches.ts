/** Examples as padded batches of few distinct lengths, so that few graphs serve a whole run. */
import type { Stream } from "../random/stream.ts";
import { float32, type HostTensors, int32 } from "../tensor/host_tensor.ts";

export interface EncodedExample {
  readonly ids: readonly number[];
  /** Class id, or score of a regression task. */
  readonly label: number;
}

export interface Batch {
  /** Indices of the examples in the rows of the batch; rows beyond them are padding. */
  readonly indices: readonly number[];
  /** The padded length. */
  readonly length: number;
}

/** Rows of an evaluation batch. */
export const EVALUATION_BATCH = 32;

/** The smallest allowed length that holds an example. @throws RangeError if none does */
export function paddedLength(tokens: number, lengths: readonly number[]): number {
  const length = lengths.find((allowed) => allowed >= tokens);
  if (length === undefined) throw new RangeError(`An example of ${tokens} tokens does not fit the lengths ${lengths}`);
  return length;
}

/**
 * Rows of a batch that go through the network at once: the most that divide it evenly and have no more than so many tokens,
 * padding included; at least one.
 */
export function rowsAtOnce(batch: number, length: number, tokens = Infinity): number {
  let rows = batch;
  while (rows > 1 && (batch % rows !== 0 || rows * length > tokens)) rows--;
  return rows;
}

/** Batches of similar length are cut from windows of this many batches of the shuffled examples. */
const WINDOW = 16;

/**
 * One epoch of training batches: shuffled, grouped by length within windows, in shuffled order.
 * @param lengths allowed padded lengths, ascending
 */
export function trainingBatches(
  examples: readonly EncodedExample[],
  size: number,
  lengths: readonly number[],
  stream: Stream,
): Batch[] {
  const order = stream.shuffled(examples.map((_, i) => i));
  const batches: Batch[] = [];
  for (let start = 0; start < order.length; start += size * WINDOW) {
    batches.push(...cut(examples, order.slice(start, start + size * WINDOW), size, lengths));
  }
  return stream.shuffled(batches);
}

/** Every example once, shortest first. */
export function evaluationBatches(
  examples: readonly EncodedExample[],
  size: number,
  lengths: readonly number[],
): Batch[] {
  return cut(examples, examples.map((_, i) => i), size, lengths);
}

function cut(
  examples: readonly EncodedExample[],
  indices: readonly number[],
  size: number,
  lengths: readonly number[],
): Batch[] {
  const tokens = (i: number) => examples[i]!.ids.length;
  // Equal lengths keep their order, so the result does not depend on how the sort is done.
  const sorted = indices.map((index, place) => ({ index, place }))
    .sort((a, b) => tokens(a.index) - tokens(b.index) || a.place - b.place).map(({ index }) => index);
  const batches: Batch[] = [];
  for (let start = 0; start < sorted.length; start += size) {
    const rows = sorted.slice(start, start + size);
    batches.push({ indices: rows, length: paddedLength(tokens(rows.at(-1)!), lengths) });
  }
  return batches;
}

/** Token ids and mask of a batch. @returns ids [B, S] int32, mask [B, S] */
export function tokenFeeds(sequences: readonly (readonly number[])[], size: number, length: number): HostTensors {
  const ids = new Int32Array(size * length), mask = new Float32Array(size * length);
  sequences.forEach((sequence, row) => {
    ids.set(sequence, row * length);
    mask.fill(1, row * length, row * length + sequence.length);
  });
  return { ids: int32([size, length], ids), mask: float32([size, length], mask) };
}

/** A training batch's feeds. Rows of padding have weight 0, so the loss is the mean over the real ones. */
export function trainingFeeds(
  examples: readonly EncodedExample[],
  batch: Batch,
  size: number,
  regression: boolean,
): HostTensors {
  const rows = batch.indices.map((i) => examples[i]!);
  const labels = Array.from({ length: size }, (_, row) => rows[row]?.label ?? 0);
  const weights = Array.from({ length: size }, (_, row) => row < rows.length ? 1 / rows.length : 0);
  return {
    ...tokenFeeds(rows.map(({ ids }) => ids), size, batch.length),
    labels: regression ? float32([size], labels) : int32([size], labels),
    weights: float32([size], weights),
  };
}
