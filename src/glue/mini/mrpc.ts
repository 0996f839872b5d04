/** mrpc: statements put in other words, and statements with nearly the same words that say something else. */
import type { DrawItem } from "./item.ts";
import { drawClause } from "./meaning.ts";
import { edit, type EditName } from "./edits.ts";
import { isSame } from "./relate.ts";
import { join, say } from "./say.ts";

/** Changes that a word shows, and changes that only the structure shows. */
export const WORDS: readonly EditName[] = [
  "otherSubject",
  "otherObject",
  "otherVerb",
  "otherState",
  "oppositeVerb",
  "oppositeState",
  "otherWhere",
];
export const STRUCTURE: readonly EditName[] = ["swap", "swap", "negate"];

/** Statements that mean the same (1) or not (0). */
export const drawMrpc: DrawItem = (stream, wanted) => {
  const clause = drawClause(stream, { transitive: stream.chance(0.85), modifiers: 0.35, negation: 0.15 });
  const other = wanted === 1 ? clause : edit(stream, clause, stream.chance(0.65) ? WORDS : STRUCTURE);
  if (other === null || isSame(clause, other) !== (wanted === 1)) return null;
  const a = join(say(stream, clause)), b = join(say(stream, other));
  return a === b ? null : { a, b, truth: wanted };
};
