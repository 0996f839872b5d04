import assert from "node:assert/strict";
import fc from "fast-check";
import { InputError } from "../errors.ts";
import { restrictTokenizer } from "./restricted.ts";
import { encodePair, type Tokenizer } from "./tokenizer.ts";
import { splitWords, wordTokenizer } from "./words.ts";

const words = wordTokenizer(["a", "b", "c", "d", "don't", "."]);

/** Text of `n` known words. */
const text = (n: number) => "a b c d ".repeat(n).split(" ").slice(0, n).join(" ");

/** Longest-first truncation in the words of its definition. */
function cutOneByOne(a: number[], b: number[], room: number): [number[], number[]] {
  while (a.length + b.length > room) (a.length > b.length ? a : b).pop();
  return [a, b];
}

Deno.test("encodePair() frames one text or two with special tokens", () => {
  assert.deepEqual(encodePair(words, "a b", undefined, 8), [1, 5, 6, 2]);
  assert.deepEqual(encodePair(words, "a b", "c", 8), [1, 5, 6, 2, 7, 2]);
  assert.deepEqual(encodePair(words, "", "", 8), [1, 2, 2]);
});

Deno.test("encodePair() cuts the longer text first, and the second of two equally long ones", () => {
  assert.deepEqual(encodePair(words, "a a a", "b b b", 8), [1, 5, 5, 5, 2, 6, 6, 2]);
  const length = fc.nat({ max: 40 });
  fc.assert(fc.property(length, length, length, (a, b, room) => {
    const [first, second] = cutOneByOne(words.encode(text(a)), words.encode(text(b)), room);
    assert.deepEqual(encodePair(words, text(a), text(b), room + 3), [1, ...first, 2, ...second, 2]);
    assert.deepEqual(encodePair(words, text(a), undefined, room + 2), [1, ...words.encode(text(a)).slice(0, room), 2]);
  }));
});

Deno.test("encodePair() refuses a length without room for the special tokens", () => {
  assert.throws(() => encodePair(words, "a", "b", 2), RangeError);
  assert.throws(() => encodePair(words, "a", undefined, 1), RangeError);
  assert.throws(() => encodePair(words, "a", undefined, NaN), RangeError);
});

Deno.test("wordTokenizer() numbers words after the special tokens and takes the rest for unknown", () => {
  assert.equal(words.size, 11);
  assert.deepEqual(words.special, { pad: 0, cls: 1, sep: 2, unk: 3, mask: 4 });
  assert.deepEqual(words.encode("A  b,\tdon't."), [5, 6, 3, 9, 10]);
  assert.deepEqual(words.encode("[MASK] \n"), [3, 3, 3]);
});

Deno.test("splitWords() keeps inner apostrophes and hyphens, and gives every other mark its own piece", () => {
  assert.deepEqual(splitWords("It isn't a well-known 'x-', éà!?"), [
    ..."it isn't a well-known ' x - ' , éà ! ?".split(" "),
  ]);
});

Deno.test("wordTokenizer() knows every word that it was given", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "grapheme" })), (texts) => {
    const tokenizer = wordTokenizer([...new Set(texts.flatMap(splitWords))]);
    for (const text of texts) {
      const ids = tokenizer.encode(text);
      assert.equal(ids.length, tokenizer.pieces(text).length);
      assert.ok(ids.every((id) => id >= 5 && id < tokenizer.size));
    }
  }));
});

Deno.test("wordTokenizer() refuses a word that it would never find, or that stands twice", () => {
  for (const bad of [["Upper"], ["two words"], [""], ["a", "b", "a"]]) {
    assert.throws(() => wordTokenizer(bad), (error) => error instanceof InputError && !error.message.includes("\n"));
  }
});

/** The words in another numbering, with the mask at the end as in DeBERTaV3. */
const base: Tokenizer = {
  size: 11,
  special: { pad: 0, cls: 1, sep: 2, unk: 3, mask: 10 },
  pieces: words.pieces,
  encode: (text) => words.encode(text).map((id) => id > 4 ? id - 1 : id),
};

Deno.test("restrictTokenizer() renumbers used ids without gaps and keeps their order", () => {
  const small = restrictTokenizer(base, [7, 5, 7]);
  assert.deepEqual([...small.kept], [0, 1, 2, 3, 5, 7, 10]);
  assert.deepEqual(small.special, { pad: 0, cls: 1, sep: 2, unk: 3, mask: 6 });
  assert.equal(small.size, 7);
  assert.deepEqual(small.encode("a b c d"), [3, 4, 3, 5]);
  assert.deepEqual(small.pieces("a b"), ["a", "b"]);
});

Deno.test("restrictTokenizer() maps every kept id back to its base, and is restored from what it kept", () => {
  fc.assert(fc.property(fc.array(fc.nat({ max: 10 })), fc.nat({ max: 12 }), (used, n) => {
    const small = restrictTokenizer(base, used), again = restrictTokenizer(base, small.kept);
    assert.deepEqual(again.kept, small.kept);
    assert.deepEqual(again.encode(text(n)), small.encode(text(n)));
    const back = small.encode(text(n)).map((id) => small.kept[id]);
    assert.deepEqual(back, base.encode(text(n)).map((id) => used.includes(id) ? id : 3));
  }));
});

Deno.test("restrictTokenizer() refuses ids that its base does not have", () => {
  for (const id of [-1, 11, 1.5, NaN]) assert.throws(() => restrictTokenizer(base, [id]), RangeError);
});
