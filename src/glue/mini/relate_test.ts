import assert from "node:assert/strict";
import { Stream } from "../../random/stream.ts";
import { type Edit, type EditName, EDITS } from "./edits.ts";
import { ADJECTIVES, ADVERBS, NAMES, NOUNS, VERBS } from "./lexicon.ts";
import { type Clause, drawClause, type NounPhrase, type Quantity } from "./meaning.ts";
import { excludes, infer, isSame } from "./relate.ts";

function find<T extends { readonly id: string }>(all: readonly T[], id: string): T {
  const it = all.find((it) => it.id === id);
  assert(it !== undefined, id);
  return it;
}
const verb = (id: string) => find(VERBS, id);

/** `the big dog`, `alice` */
function phrase(text: string): NounPhrase {
  const words = text.split(" "), noun = find([...NOUNS, ...NAMES], words.at(-1) ?? "");
  if (words.length === 1) return { quantity: "name", noun };
  return {
    quantity: words[0] as Quantity,
    noun,
    adjective: words.length > 2 ? find(ADJECTIVES, words[1] ?? "") : undefined,
  };
}
/** `the dog | not chase quickly | the cat`; `the dog | is big` */
function clause(text: string): Clause {
  const [subject = "", does = "", object] = text.split(" | "), words = does.split(" ");
  const negated = words.includes("not"), [first = "", second] = words.filter((word) => word !== "not");
  const said = { subject: phrase(subject), object: object === undefined ? undefined : phrase(object), negated };
  return first === "is"
    ? { ...said, state: find(ADJECTIVES, second ?? "") }
    : { ...said, verb: verb(first), manner: second === undefined ? undefined : find(ADVERBS, second) };
}

for (
  const [premise, hypothesis, label] of [
    ["the big dog | chase | the cat", "the dog | chase | the cat", "entailment"],
    ["the dog | chase | the cat", "the big dog | chase | the cat", "neutral"],
    ["the dog | chase | the cat", "the cat | chase | the dog", "neutral"],
    ["the dog | chase quickly | the cat", "the animal | chase | a animal", "entailment"],
    ["the girl | love | the cat", "the child | like | the cat", "entailment"],
    ["the girl | like | the cat", "the girl | love | the cat", "neutral"],
    ["the girl | love | the cat", "the girl | hate | the cat", "contradiction"],
    ["the girl | love | the cat", "the girl | not hate | the cat", "entailment"],
    ["the girl | not hate | the cat", "the girl | love | the cat", "neutral"],
    ["the girl | love | the cat", "the girl | not like | the cat", "contradiction"],
    ["the girl | not like | the cat", "the girl | not love | the cat", "entailment"],
    ["the girl | not love | the cat", "the girl | not like | the cat", "neutral"],
    ["the girl | not like | the cat", "the girl | love | the cat", "contradiction"],
    ["the girl | run", "the girl | run quickly", "neutral"],
    ["the girl | run slowly", "the girl | run quickly", "contradiction"],
    ["the girl | not run", "the girl | not run quickly", "entailment"],
    ["a girl | run slowly", "a girl | run quickly", "neutral"],
    ["every animal | sleep", "every big dog | sleep", "entailment"],
    ["every dog | sleep", "every animal | sleep", "neutral"],
    ["every dog | sleep", "some dog | sleep", "entailment"],
    ["every dog | sleep", "no dog | sleep", "contradiction"],
    ["every dog | sleep", "two dog | sleep", "neutral"],
    ["no animal | sleep", "no dog | sleep", "entailment"],
    ["no dog | sleep", "no animal | sleep", "neutral"],
    ["no animal | run", "a dog | run", "contradiction"],
    ["no animal | travel", "the dog | run", "contradiction"],
    ["no animal | run", "the dog | travel", "neutral"],
    ["two dog | run", "no animal | travel", "contradiction"],
    ["three dog | run", "two dog | run", "entailment"],
    ["two dog | run", "three dog | run", "neutral"],
    ["the dog | run", "a dog | run", "entailment"],
    ["a dog | run", "the dog | run", "neutral"],
    ["the dog | is huge", "the dog | is big", "entailment"],
    ["the dog | is big", "the dog | is tiny", "contradiction"],
    ["the dog | is big", "the dog | is old", "neutral"],
    ["alice | run", "bob | run", "neutral"],
    ["alice | run", "the person | run", "neutral"],
  ] as const
) {
  Deno.test(`infer() takes "${hypothesis}" after "${premise}" for ${label}`, () => {
    assert.equal(infer(clause(premise), clause(hypothesis)), label);
  });
}

const drawn = Array.from({ length: 300 }, (_, i) => drawClause(new Stream(1, "test", i), { modifiers: 0.5 }));

Deno.test("infer() finds that what is said follows from itself, and its denial does not", () => {
  for (const clause of drawn) {
    assert.equal(infer(clause, clause), "entailment");
    assert(isSame(clause, clause));
    const denied = EDITS.negate(new Stream(1), clause);
    if (denied) assert.equal(infer(clause, denied), "contradiction");
  }
});

Deno.test("infer() takes opposites alike in both directions", () => {
  for (const [i, clause] of drawn.entries()) {
    for (const name of ["oppositeVerb", "oppositeState", "oppositeManner"] as const) {
      const other = EDITS[name](new Stream(2, i), clause);
      if (other) assert.equal(infer(clause, other), infer(other, clause), `${name} of ${JSON.stringify(clause)}`);
    }
  }
});

Deno.test("every edit changes the meaning, and each is possible somewhere", () => {
  for (const name of Object.keys(EDITS) as EditName[]) {
    let made = 0;
    for (const [i, clause] of drawn.entries()) {
      const edit: Edit = EDITS[name], changed = edit(new Stream(3, i), clause);
      if (changed === null) continue;
      made++;
      assert(!isSame(clause, changed), `${name} leaves ${JSON.stringify(clause)}`);
    }
    assert(made > 0, name);
  }
});

Deno.test("excludes() is symmetric and holds of antonyms and what they stand above", () => {
  for (const x of VERBS) for (const y of VERBS) assert.equal(excludes(x, y), excludes(y, x));
  assert(excludes(verb("love"), verb("hate")) && excludes(verb("run"), verb("wait")));
  assert(!excludes(verb("run"), verb("walk")) && !excludes(verb("love"), verb("like")));
});
