/** A closed vocabulary of whole words, for corpora whose lexicon is known. */
import { InputError } from "../errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

const SPECIALS = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"] as const;

/** A word with inner apostrophes and hyphens, or a single character that is no white space. */
const PIECE = /[\p{L}\p{N}]+(?:['-][\p{L}\p{N}]+)*|\S/gu;

/** The words and punctuation marks of a text, in lower case. */
export function splitWords(text: string): string[] {
  return text.toLowerCase().match(PIECE) ?? [];
}

/**
 * A tokenizer over given words: five special tokens (the mask is id 4), then the words in the order given. Any other
 * word is unknown.
 *
 * @throws InputError if a word stands twice, or is not one piece of `splitWords`
 */
export function wordTokenizer(words: readonly string[]): Tokenizer {
  const ids = new Map<string, number>();
  for (const word of words) {
    const pieces = splitWords(word);
    if (pieces.length !== 1 || pieces[0] !== word) {
      throw new InputError(`Cannot use "${word}" in a vocabulary: expected one word in lower case`);
    }
    if (ids.has(word)) throw new InputError(`Cannot build a vocabulary: the word "${word}" stands in it twice`);
    ids.set(word, SPECIALS.length + ids.size);
  }
  return {
    size: SPECIALS.length + ids.size,
    special: { pad: 0, cls: 1, sep: 2, unk: 3, mask: 4 },
    pieces: splitWords,
    encode: (text) => splitWords(text).map((word) => ids.get(word) ?? 3),
  };
}
