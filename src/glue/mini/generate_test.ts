import assert from "node:assert/strict";
import { readTask } from "../read.ts";
import { TASK_NAMES, TASKS } from "../tasks.ts";
import { drawSplits, generateTask, LABEL_NOISE, PRIORS, SCORE_NOISE } from "./generate.ts";
import { MAX_PAIR, MAX_SINGLE } from "./item.ts";
import { lexicon } from "./lexicon.ts";

const sizes = { seed: 5, train: 400, dev: 100 };
const words = new Set(lexicon());

for (const name of TASK_NAMES) {
  const splits = drawSplits(name, sizes), all = Object.values(splits).flat();

  Deno.test(`generateTask() writes ${name} as readTask() reads it, with the same bytes each time`, async () => {
    const files = generateTask(name, sizes);
    assert.deepEqual(generateTask(name, sizes), files);
    const { train, dev } = await readTask(name, files);
    const texts = ({ a, b, label }: { a: string; b?: string; label: number }) => ({ a, b, label });
    assert.deepEqual(train.map(texts), splits.train?.map(texts));
    for (const split of TASKS[name].devSplits) assert.deepEqual(dev[split]?.map(texts), splits[split]?.map(texts));
  });

  Deno.test(`${name} of another seed is another ${name}`, () => {
    const other = drawSplits(name, { ...sizes, seed: 6 }).train?.map(({ a }) => a);
    assert.notDeepEqual(other, splits.train?.map(({ a }) => a));
  });

  Deno.test(`${name} keeps to the lexicon and to the lengths that a maximum of 32 tokens truncates nothing of`, () => {
    for (const { a, b } of all) {
      const text = b === undefined ? a.split(" ") : [...a.split(" "), ...b.split(" ")];
      assert(text.length <= (b === undefined ? MAX_SINGLE : MAX_PAIR), text.join(" "));
      for (const word of text) assert(words.has(word), `"${word}" in "${a}"`);
    }
  });

  Deno.test(`${name} has no text, or pair of texts, twice`, () => {
    assert.equal(new Set(all.map(({ a, b }) => `${a}\t${b}`)).size, all.length);
  });

  Deno.test(`${name} has the classes and the noise that are stated`, () => {
    for (const items of Object.values(splits)) {
      if (TASKS[name].regression) {
        const errors = items.map(({ truth, label }) => label - truth);
        const spread = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
        assert(spread > SCORE_NOISE / 2 && spread < SCORE_NOISE * 1.5, `${spread}`);
        assert(items.every(({ label }) => label >= 0 && label <= 5 && /^\d(\.\d)?$/.test(`${label}`)));
        for (const from of [0, 1, 2, 3, 4]) {
          const share = items.filter(({ truth }) => truth >= from && truth <= from + 1).length / items.length;
          assert(share > 0.05, `only ${share} of the scores lie between ${from} and ${from + 1}`);
        }
      } else {
        const wrong = items.filter(({ truth, label }) => truth !== label).length;
        assert.equal(wrong, Math.round(LABEL_NOISE * items.length));
        PRIORS[name].forEach((share, id) => {
          const got = items.filter(({ truth }) => truth === id).length / items.length;
          assert(Math.abs(got - share) < 0.01, `class ${id}: ${got}`);
        });
      }
    }
  });
}

Deno.test("the n-th training example does not depend on how many follow it, before noise and order", () => {
  const few = drawSplits("stsb", { seed: 5, train: 50, dev: 1 }).train?.map(({ a }) => a);
  assert.deepEqual(few, drawSplits("stsb", sizes).train?.slice(0, 50).map(({ a }) => a));
});

Deno.test("mnli keeps the words of the mismatched set out of its training and matched sets", () => {
  const texts = (split: string) =>
    new Set(drawSplits("mnli", sizes)[split]?.flatMap(({ a, b }) => `${a} ${b}`.split(" ")));
  for (const word of ["sailor", "ship", "harbor", "guitar"]) {
    assert(!texts("train").has(word) && !texts("matched").has(word));
  }
  for (const word of ["farmer", "tractor", "barn", "violin"]) assert(!texts("mismatched").has(word));
  assert(texts("mismatched").has("child") || texts("mismatched").has("kid"));
});
