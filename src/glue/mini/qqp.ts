/** qqp: questions that ask for the same thing, and near misses. */
import type { DrawItem } from "./item.ts";
import { edit } from "./edits.ts";
import { drawClause } from "./meaning.ts";
import { WORDS } from "./mrpc.ts";
import { ask, canAsk, type Question } from "./questions.ts";
import { isSame } from "./relate.ts";
import { join } from "./say.ts";

const KINDS: readonly Question["asks"][] = ["subject", "object", "where", "why", "whether", "how"];

/** Whether two questions have the same answers, whatever stands for what they ask for. */
export function isSameQuestion(x: Question, y: Question): boolean {
  if (x.asks !== y.asks) return false;
  const known = ({ asks, clause }: Question) => ({
    ...clause,
    subject: asks === "subject" || asks === "how" ? x.clause.subject : clause.subject,
    object: asks === "object" ? x.clause.object : clause.object,
    where: asks === "where" || asks === "how" ? undefined : clause.where,
    manner: asks === "how" ? undefined : clause.manner,
  });
  const isPerson = ({ asks, clause }: Question) =>
    asks === "how" || (asks === "object" ? clause.object : clause.subject)?.noun.kind === "person";
  return isPerson(x) === isPerson(y) && isSame(known(x), known(y));
}

/** Questions that are duplicates (1) or not (0). */
export const drawQqp: DrawItem = (stream, wanted) => {
  const clause = drawClause(stream, {
    transitive: stream.chance(0.85),
    modifiers: 0.25,
    negation: 0,
    quantifier: 0.15,
  });
  const first: Question = { asks: stream.pick(KINDS), clause };
  const change = stream.below(20);
  const changed = wanted === 1
    ? clause
    : change < 12
    ? edit(stream, clause, WORDS)
    : change < 16
    ? edit(stream, clause, ["swap"])
    : clause;
  if (changed === null) return null;
  const second: Question = {
    asks: wanted === 0 && change >= 16 ? stream.pick(KINDS) : first.asks,
    clause: changed,
  };
  if (!canAsk(first) || !canAsk(second) || isSameQuestion(first, second) !== (wanted === 1)) return null;
  const a = join(ask(stream, first)), b = join(ask(stream, second));
  return a === b ? null : { a, b, truth: wanted };
};
