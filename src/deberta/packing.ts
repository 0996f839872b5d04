/**
 * Leaves padding out of what sees each token by itself, which is everything but attention.
 *
 * A batch has B S places, of which texts fill some. Activations are rows: the first token of each text, in order, then the
 * other tokens, then spare rows, which stand for nothing and of which there is at least one where there is padding. Attention
 * looks tokens up by place, and a place of padding finds a spare row. The two maps make each other's gradient: what flows
 * into padding is zero, since nobody attends to it and nobody reads what it attends to, and therefore so is what flows into
 * spare rows.
 */
import { type HostTensor, type HostTensors, int32 } from "../tensor/host_tensor.ts";

/** Numbers of rows of packed batches are multiples of this, so that a run has few of them and equal parts stay whole. */
export const ROW_UNIT = 32;

/** Numbers of one activation from which on a batch is worth packing: below, arithmetic is not what a step takes its time for. */
const WORTH = 2 ** 16;

/** Whether a batch is packed; if not, every place has a row. @param hidden width of a row */
export function isPacked(batch: number, length: number, hidden: number): boolean {
  return batch * length * hidden >= WORTH && (batch * length) % ROW_UNIT === 0;
}

/** How many rows a batch takes: its tokens and a spare one, rounded up. @param mask [B, S], 1 for a token */
export function packedRows({ shape: [batch, length], data }: HostTensor): number {
  const places = batch! * length!;
  let tokens = 0;
  // First tokens have rows even in texts that are padding as a whole.
  for (let i = 0; i < places; i++) if (i % length! === 0 || data[i] !== 0) tokens++;
  return Math.min(places, Math.ceil((tokens + 1) / ROW_UNIT) * ROW_UNIT);
}

/**
 * Lays a batch out in rows.
 * @param ids [B, S] int32
 * @param mask [B, S], 1 for a token and 0 for padding
 * @param rows N: what `packedRows` says, or B S, which gives padding rows of its own
 * @returns `ids` [N], `mask` [B, S], `rowOf` [B, S] and `placeOf` [N], int32
 * @throws RangeError if the tokens do not fit the rows
 */
export function packTokens(ids: HostTensor, mask: HostTensor, rows = ids.data.length): HostTensors {
  const [batch, length] = ids.shape as [number, number], places = batch * length;
  const rowOf = new Int32Array(places).fill(-1), placeOf = new Int32Array(rows).fill(-1);
  let row = 0;
  const give = (place: number) => {
    rowOf[place] = row;
    placeOf[row++] = place;
  };
  for (let place = 0; place < places; place += length) give(place);
  for (let place = 0; place < places; place++) {
    if (place % length !== 0 && (mask.data[place] !== 0 || rows === places)) give(place);
  }
  if (row > rows || (row === rows && row < places)) {
    throw new RangeError(`A batch of ${row} tokens and some padding does not fit ${rows} rows`);
  }
  const padding = rowOf.indexOf(-1);
  rowOf.forEach((found, place) => found < 0 && (rowOf[place] = row));
  placeOf.fill(padding, row);
  return {
    ids: int32([rows], Array.from(placeOf, (place) => ids.data[place]!)),
    mask,
    rowOf: int32([batch, length], rowOf),
    placeOf: int32([rows], placeOf),
  };
}
