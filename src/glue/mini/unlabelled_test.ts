import assert from "node:assert/strict";
import { MAX_PAIR } from "./item.ts";
import { lexicon } from "./lexicon.ts";
import { unlabelled } from "./unlabelled.ts";

Deno.test("unlabelled() gives the n-th discourse by the seed and n alone", () => {
  const ten = unlabelled({ seed: 3, count: 10 });
  assert.deepEqual(unlabelled({ seed: 3, count: 200 }).slice(0, 10), ten);
  assert.notDeepEqual(unlabelled({ seed: 4, count: 10 }), ten);
});

Deno.test("unlabelled() uses every word of the lexicon, and no other, in sentences short enough", () => {
  const text = unlabelled({ seed: 3, count: 4000 }).map(({ a, b }) => `${a} ${b}`.split(" "));
  assert(text.every((words) => words.length <= MAX_PAIR));
  assert.deepEqual([...new Set(text.flat())].sort(), lexicon().sort());
});
