/** stsb: pairs of statements with a score of how much of their meaning they share. */
import { type Concept, isA } from "./lexicon.ts";
import type { DrawItem } from "./item.ts";
import { edit, type EditName, EDITS } from "./edits.ts";
import { type Clause, drawClause, type NounPhrase } from "./meaning.ts";
import { excludes } from "./relate.ts";
import { join, say } from "./say.ts";

/** 1 for the same concept, 0.6 for a hypernym, 0.3 for concepts of one kind or for opposites, else 0. */
function alike(x: Concept | undefined, y: Concept | undefined): number {
  if (x === undefined || y === undefined) return x === y ? 1 : 0;
  if (x.id === y.id) return 1;
  if (isA(x, y) || isA(y, x)) return 0.6;
  return excludes(x, y) || x.hypernym !== null && x.hypernym === y.hypernym ? 0.3 : 0;
}

/** The parts of a clause with their weights: who, what is done, to whom, then what is said besides. */
function parts(x: Clause, y: Clause): { weight: number; share: number }[] {
  const both = (weight: number, a: Concept | undefined, b: Concept | undefined) =>
    a === undefined && b === undefined ? [] : [{ weight, share: alike(a, b) }];
  const nouns = (weight: number, a: NounPhrase | undefined, b: NounPhrase | undefined) => [
    ...both(weight, a?.noun, b?.noun),
    ...both(1, a?.adjective, b?.adjective),
  ];
  return [
    ...nouns(3, x.subject, y.subject),
    ...both(4, x.verb ?? x.state, y.verb ?? y.state),
    ...nouns(3, x.object, y.object),
    ...both(1, x.manner, y.manner),
    ...both(1.5, x.where?.place, y.where?.place),
  ];
}

/** Similarity of meaning, 0 to 5: the shared part of the weight, less a quarter if only one of them is denied. */
export function similarity(x: Clause, y: Clause): number {
  const all = parts(x, y);
  const share = all.reduce((sum, { weight, share }) => sum + weight * share, 0) /
    all.reduce((sum, { weight }) => sum + weight, 0);
  return 5 * share * (x.negated === y.negated ? 1 : 0.75);
}

const CHANGES = (Object.keys(EDITS) as EditName[]).filter((name) => !["more", "less", "none"].includes(name));
const REPLACEMENTS: readonly EditName[] = ["otherSubject", "otherObject", "otherVerb", "otherState", "otherWhere"];

/** A pair by its number of changes, none to all; in one pair of ten the second has nothing to do with the first. */
export const drawStsb: DrawItem = (stream) => {
  const draw = { transitive: stream.chance(0.8), modifiers: 0.35, quantifier: 0.1 };
  const first = drawClause(stream, draw);
  let second = first;
  if (stream.chance(0.1)) second = drawClause(stream, draw);
  else {
    for (let changes = stream.below(6); changes > 0; changes--) {
      second = edit(stream, second, stream.chance(0.5) ? REPLACEMENTS : CHANGES) ?? second;
    }
  }
  const a = join(say(stream, first)), b = join(say(stream, second));
  return a === b ? null : { a, b, truth: similarity(first, second) };
};
