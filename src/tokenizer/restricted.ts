/** A vocabulary cut down to what a corpus uses, so that a small backbone need not carry every embedding row. */
import type { Tokenizer } from "./tokenizer.ts";

export interface RestrictedTokenizer extends Tokenizer {
  /**
   * The base ids that are kept, ascending: id `i` of this tokenizer is id `kept[i]` of its base, and row `kept[i]` of the
   * base's embeddings is its row `i`. Storing it stores the vocabulary: it may be given back as `usedIds`.
   */
  readonly kept: Int32Array;
}

/**
 * Renumbers without gaps the ids that occur, and the special ones, in their old order. Any other piece is unknown.
 *
 * @param usedIds ids of `base`, in any order and any number of times
 * @throws RangeError if one of them is not an id of `base`
 */
export function restrictTokenizer(base: Tokenizer, usedIds: Iterable<number>): RestrictedTokenizer {
  const { pad, cls, sep, unk, mask } = base.special, used = new Set([pad, cls, sep, unk, mask]);
  for (const id of usedIds) {
    if (!Number.isInteger(id) || id < 0 || id >= base.size) {
      throw new RangeError(`Cannot keep id "${id}" of a vocabulary: expected an integer from 0 to ${base.size - 1}`);
    }
    used.add(id);
  }
  const kept = Int32Array.from(used).sort(), ids = new Int32Array(base.size).fill(unk);
  kept.forEach((id, i) => ids[id] = i);
  return {
    kept,
    size: kept.length,
    special: { pad, cls, sep, unk, mask: ids[mask]! },
    pieces: (text) => base.pieces(text),
    encode: (text) => base.encode(text).map((id) => ids[id]!),
  };
}
