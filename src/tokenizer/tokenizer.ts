/** What turns text into numbers, whatever the vocabulary behind it. */

/** The ids with a meaning of their own. All but the mask are the same in every vocabulary, as in DeBERTaV3's. */
export interface SpecialIds {
  readonly pad: 0;
  readonly cls: 1;
  readonly sep: 2;
  readonly unk: 3;
  readonly mask: number;
}

export interface Tokenizer {
  /** Ids lie in [0, size). A checkpoint may have more embedding rows. */
  readonly size: number;
  readonly special: SpecialIds;
  /** The pieces of a text, without special tokens. */
  pieces(text: string): string[];
  /** The ids of those pieces, one each. Special tokens spelled out in a text are ordinary text. */
  encode(text: string): number[];
}

/**
 * `[CLS] a [SEP]`, or `[CLS] a [SEP] b [SEP]`, cut to at most `maxLength` ids.
 *
 * Too long an input loses one id at a time from the end of its longer text, and of `b` where both are equally long
 * (transformers' `longest_first`, as its tokenizers in Python do it).
 *
 * @throws RangeError if `maxLength` does not even leave room for the special tokens
 */
export function encodePair(tokenizer: Tokenizer, a: string, b: string | undefined, maxLength: number): number[] {
  const { cls, sep } = tokenizer.special, specials = b === undefined ? 2 : 3;
  if (!(maxLength >= specials)) {
    throw new RangeError(`Cannot encode to "${maxLength}" ids: expected at least ${specials}`);
  }
  const first = tokenizer.encode(a), second = b === undefined ? [] : tokenizer.encode(b);
  const [keepA, keepB] = longestFirst(first.length, second.length, maxLength - specials);
  const head = [cls, ...first.slice(0, keepA), sep];
  return b === undefined ? head : [...head, ...second.slice(0, keepB), sep];
}

/** How many ids of two texts stay when `room` is left for both. */
function longestFirst(a: number, b: number, room: number): [number, number] {
  if (a + b <= room) return [a, b];
  const half = Math.floor(room / 2);
  if (b <= half) return [room - b, b];
  if (a <= room - half) return [a, room - a];
  return [room - half, half];
}
