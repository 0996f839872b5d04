/** mnli and rte: what follows from a premise, by hypernyms, modifiers, quantifiers and negation. */
import type { Stream } from "../../random/stream.ts";
import type { DrawItem } from "./item.ts";
import type { Domain } from "./lexicon.ts";
import { edit, type EditName } from "./edits.ts";
import { type Clause, drawClause } from "./meaning.ts";
import { infer, type Inference } from "./relate.ts";
import { join, say } from "./say.ts";

export const INFERENCES: readonly Inference[] = ["entailment", "neutral", "contradiction"];

/** Changes that tell less, where nothing turns the direction round. */
export const WEAKER: readonly EditName[] = [
  "dropAdjective",
  "dropObjectAdjective",
  "dropManner",
  "dropWhere",
  "generalSubject",
  "generalObject",
  "generalVerb",
  "generalState",
  "less",
];
/** Changes that tell more. */
const STRONGER: readonly EditName[] = [
  "addAdjective",
  "addObjectAdjective",
  "addManner",
  "addWhere",
  "specialSubject",
  "specialObject",
  "specialVerb",
  "specialState",
  "more",
];
/** Changes that may be at odds with the premise. */
const AGAINST: readonly EditName[] = [
  "negate",
  "oppositeVerb",
  "oppositeVerb",
  "oppositeState",
  "oppositeManner",
  "none",
];

/** One or two changes that may lead to the wanted inference; infer() decides whether they do. */
function hypothesis(stream: Stream, premise: Clause, wanted: Inference, domain?: Domain): Clause | null {
  const down = premise.negated || premise.subject.quantity === "no" || premise.subject.quantity === "every";
  const towards = wanted === "entailment"
    ? (down && stream.chance(0.5) ? STRONGER : WEAKER)
    : wanted === "neutral"
    ? (down && stream.chance(0.5) ? WEAKER : stream.chance(0.15) ? ["swap"] as const : STRONGER)
    : AGAINST;
  const first = edit(stream, premise, towards, domain);
  if (first === null || !stream.chance(0.5)) return first;
  return edit(stream, first, stream.chance(0.6) ? WEAKER : AGAINST, domain);
}

function drawPremise(stream: Stream, domain?: Domain, modifiers = 0.4): Clause {
  return drawClause(stream, { domain, modifiers, negation: 0.2, quantifier: 0.3, state: 0.12 });
}

/** A premise and a hypothesis that follows (0), may be (1), or cannot be (2). */
export const drawMnli: DrawItem = (stream, wanted, domain) => {
  const label = INFERENCES[wanted] ?? "neutral", premise = drawPremise(stream, domain);
  const second = hypothesis(stream, premise, label, domain);
  if (second === null || infer(premise, second) !== label) return null;
  const a = join(say(stream, premise)), b = join(say(stream, second));
  return a === b ? null : { a, b, truth: wanted };
};

const ELSEWHERE: readonly EditName[] = ["otherSubject", "otherObject", "otherVerb", "otherState", "swap"];

/** A text, of two statements in one half, and a hypothesis that follows from one of them (0) or not (1). */
export const drawRte: DrawItem = (stream, wanted) => {
  const two = stream.chance(0.5), premise = drawPremise(stream, undefined, two ? 0.2 : 0.4);
  const towards = wanted === 0 ? "entailment" : stream.pick(["neutral", "contradiction", "other"] as const);
  const second = towards === "other" ? edit(stream, premise, ELSEWHERE) : hypothesis(stream, premise, towards);
  const others = two ? [drawPremise(stream, undefined, 0.1)] : [];
  if (second === null) return null;
  const follows = [premise, ...others].some((clause) => infer(clause, second) === "entailment");
  if (follows !== (wanted === 0)) return null;
  const statements = stream.shuffled([premise, ...others]).map((clause) => join(say(stream, clause)));
  const a = statements.join(` ${stream.pick(["and", "while", "because"])} `), b = join(say(stream, second));
  return a === b ? null : { a, b, truth: wanted };
};
