import assert from "node:assert/strict";
import { Stream } from "../../random/stream.ts";
import { drawCola, FAULTS } from "./cola.ts";
import { EDITS } from "./edits.ts";
import { drawClause } from "./meaning.ts";
import { isSameQuestion } from "./qqp.ts";
import { answers, canAsk, type Question } from "./questions.ts";
import { join, say } from "./say.ts";
import { drawSentence } from "./sentences.ts";
import { similarity } from "./stsb.ts";

const streams = Array.from({ length: 300 }, (_, i) => new Stream(1, "tasks", i));
const clauses = streams.map((stream) => drawClause(stream, { modifiers: 0.4 }));

Deno.test("every fault of cola can be made, and changes the sentence", () => {
  const made = new Set<string>();
  for (const stream of streams) {
    const sentence = drawSentence(stream);
    for (const [name, fault] of Object.entries(FAULTS)) {
      const spoiled = fault(stream, sentence);
      if (spoiled === null) continue;
      made.add(name);
      assert.notEqual(join(spoiled), join(sentence), name);
    }
  }
  assert.deepEqual([...made].sort(), Object.keys(FAULTS).sort());
});

Deno.test("cola's acceptable sentences have no doubled word, no article before the wrong vowel, no number that clashes", () => {
  for (const stream of streams) {
    const item = drawCola(stream, 1);
    assert(item !== null);
    assert.doesNotMatch(item.a, /\b(\w+) \1\b|\ba [aeiou]|\ban [^aeiou]|\b(does|do) not \w+s (the|this)\b/);
  }
});

Deno.test("similarity() is 5 for the same, symmetric, and less for any edit", () => {
  for (const [i, clause] of clauses.entries()) {
    assert.equal(similarity(clause, clause), 5);
    for (const name of ["otherSubject", "otherVerb", "dropWhere", "negate", "generalObject"] as const) {
      const other = EDITS[name](new Stream(2, i), clause);
      if (other === null) continue;
      const score = similarity(clause, other);
      assert(score >= 0 && score < 5, `${name}: ${score}`);
      assert(Math.abs(score - similarity(other, clause)) < 1e-9);
    }
  }
});

Deno.test("answers() holds of the statement a question is made from, not of one that denies or lacks it", () => {
  for (const [i, clause] of clauses.entries()) {
    for (const asks of ["subject", "object", "where"] as const) {
      const question: Question = { asks, clause };
      if (!canAsk(question)) continue;
      assert(answers(question, clause));
      for (const name of ["negate", "otherVerb"] as const) {
        const other = EDITS[name](new Stream(3, i), clause);
        if (other !== null) assert(!answers(question, other), `${asks} ${name} ${JSON.stringify(clause)}`);
      }
      if (asks === "where") assert(!answers(question, { ...clause, where: undefined }));
    }
  }
});

Deno.test("isSameQuestion() leaves out what is asked for, and nothing else", () => {
  for (const [i, clause] of clauses.entries()) {
    const other = EDITS.otherSubject(new Stream(4, i), clause);
    if (other === null || clause.negated || clause.verb === undefined) continue;
    assert(isSameQuestion({ asks: "subject", clause }, { asks: "subject", clause: other }));
    assert(!isSameQuestion({ asks: "why", clause }, { asks: "why", clause: other }));
    assert(!isSameQuestion({ asks: "why", clause }, { asks: "whether", clause }));
  }
});

Deno.test("say() tells the same in the active and the passive, and never drops a part", () => {
  for (const [i, clause] of clauses.entries()) {
    const active = say(new Stream(5, i), clause, { voice: "active" }),
      passive = say(new Stream(6, i), clause, { voice: "passive" });
    const nouns = (tokens: typeof active) => tokens.filter(({ part }) => part === "noun" || part === "name").length;
    assert.equal(nouns(active), nouns(passive));
    assert.equal(nouns(active), 1 + (clause.object ? 1 : 0) + (clause.where ? 1 : 0));
  }
});
