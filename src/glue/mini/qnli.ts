/** qnli: a question and a statement that answers it, or only looks as if it did. */
import type { DrawItem } from "./item.ts";
import { edit, type EditName } from "./edits.ts";
import { drawClause } from "./meaning.ts";
import { answers, ask, canAsk, type Question } from "./questions.ts";
import { join, say } from "./say.ts";

const LOOSER: readonly EditName[] = [
  "dropAdjective",
  "dropObjectAdjective",
  "dropManner",
  "generalObject",
  "generalSubject",
  "generalVerb",
];
const NEAR_MISSES: readonly EditName[] = [
  "otherSubject",
  "otherObject",
  "otherVerb",
  "otherObject",
  "otherVerb",
  "oppositeVerb",
  "swap",
  "negate",
  "dropWhere",
];

/** A statement that answers the question (0) or does not (1). */
export const drawQnli: DrawItem = (stream, wanted) => {
  const fact = drawClause(stream, {
    transitive: stream.chance(0.75),
    modifiers: 0.4,
    negation: 0,
    quantifier: 0.2,
  });
  const known = stream.chance(0.5) ? edit(stream, fact, LOOSER) ?? fact : fact;
  const question: Question = { asks: stream.pick(["subject", "object", "where"]), clause: known };
  const statement = wanted === 0 ? fact : edit(stream, fact, NEAR_MISSES);
  if (statement === null || !canAsk(question) || answers(question, statement) !== (wanted === 0)) return null;
  return { a: join(ask(stream, question)), b: join(say(stream, statement)), truth: wanted };
};
