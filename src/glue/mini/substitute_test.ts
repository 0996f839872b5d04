import assert from "node:assert/strict";
import { Stream } from "../../random/stream.ts";
import { lexicon } from "./lexicon.ts";
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

Deno.test("substitute() keeps to the kind and the form, or changes the form alone", () => {
  const drawn = (word: string) => new Set(Array.from({ length: 300 }, (_, i) => substitute(new Stream(i), word)));
  assert(drawn("dogs").has("cats") && drawn("dogs").has("dog") && !drawn("dogs").has("cat"));
  assert(drawn("chases").has("follows") && drawn("chases").has("chase") && !drawn("chases").has("walks"));
});
