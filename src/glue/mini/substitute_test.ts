import assert from "node:assert/strict";
import { Stream } from "../../random/stream.ts";
import { ADJECTIVES, ADVERBS, lexicon, NOUNS, opinionWords, PLACES, VERBS } from "./lexicon.ts";
import { substitute } from "./substitute.ts";

Deno.test("substitute() gives another word of the lexicon for every word of it", () => {
  const words = lexicon(), known = new Set(words), stream = new Stream(1);
  for (const word of words) {
    for (let i = 0; i < 20; i++) {
      const other = substitute(stream, word);
      assert(known.has(other) && other !== word, `${word} -> ${other}`);
    }
  }
  assert.throws(() => substitute(stream, "aardvark"), RangeError);
});

const drawn = (word: string) => new Set(Array.from({ length: 300 }, (_, i) => substitute(new Stream(i), word)));

Deno.test("substitute() keeps to the kind and the form, or changes the form alone", () => {
  assert(drawn("dogs").has("cats") && drawn("dogs").has("dog") && !drawn("dogs").has("cat"));
  assert(drawn("chases").has("follows") && drawn("chases").has("chase") && !drawn("chases").has("walks"));
});

Deno.test("substitute() never gives a word that means the same, or an opinion that is of one mind with it", () => {
  for (const { words } of [...NOUNS, ...VERBS, ...PLACES, ...ADJECTIVES, ...ADVERBS]) {
    words.forEach((forms, i) =>
      forms.forEach((form, j) => {
        const others = drawn(form);
        words.forEach((synonym, k) => assert(k === i || !others.has(synonym[j]!), `${form} -> ${synonym[j]}`));
      })
    );
  }
  assert.deepEqual([...drawn("great")].sort(), opinionWords("-", "adjective").sort());
  assert.deepEqual([...drawn("waste")].sort(), opinionWords("+", "noun").sort());
});
