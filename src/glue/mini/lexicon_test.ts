import assert from "node:assert/strict";
import * as lexicon from "./lexicon.ts";

const { ADJECTIVES, ADVERBS, NAMES, NOUNS, PLACES, VERBS } = lexicon;

Deno.test("lexicon() is at most 560 words, each once and lower case", () => {
  const words = lexicon.lexicon();
  assert(words.length <= 560, `${words.length}`);
  assert.equal(new Set(words).size, words.length);
  for (const word of words) assert.match(word, /^([a-z]+|[,?])$/);
});

Deno.test("every concept has its own id, every form of every word, and hypernyms and antonyms that exist", () => {
  for (const [all, forms] of [[NOUNS, 2], [NAMES, 1], [PLACES, 1], [ADJECTIVES, 1], [ADVERBS, 1]] as const) {
    for (const { words } of all) for (const word of words) assert.equal(word.length, forms, word.join());
  }
  for (const { words, object } of VERBS) {
    for (const word of words) assert.equal(word.length, object === null ? 2 : 3, word.join());
  }
  const ids = [NOUNS, NAMES, PLACES, ADJECTIVES, ADVERBS, VERBS].flat().map(({ id }) => id);
  assert.deepEqual(ids.filter((id, i) => ids.indexOf(id) !== i), []);
  for (const { hypernym } of [NOUNS, NAMES, ADJECTIVES, VERBS].flat()) {
    assert(hypernym === null || ids.includes(hypernym));
  }
  for (const { antonym } of VERBS) assert(antonym === null || VERBS.some(({ id }) => id === antonym));
});

Deno.test("isA() follows hypernyms all the way up and never down", () => {
  const noun = (id: string) => NOUNS.find((it) => it.id === id) ?? assert.fail(id);
  assert(lexicon.isA(noun("girl"), noun("person")) && lexicon.isA(noun("girl"), noun("girl")));
  assert(!lexicon.isA(noun("person"), noun("girl")) && !lexicon.isA(noun("girl"), noun("boy")));
});
