/** Small changes of meaning. Each gives the changed clause, or null where it cannot be made. */
import type { Stream } from "../../random/stream.ts";
import {
  type Adjective,
  ADJECTIVES,
  ADVERBS,
  type Domain,
  fits,
  isA,
  type Noun,
  NOUNS,
  type Verb,
  VERBS,
} from "./lexicon.ts";
import {
  type Clause,
  drawAdjective,
  drawWhere,
  inDomain,
  isDefinite,
  type NounPhrase,
  type Quantity,
} from "./meaning.ts";
import { excludes } from "./relate.ts";

export type Edit = (stream: Stream, clause: Clause, domain?: Domain) => Clause | null;

/** One of the items that hold, or null. */
function pick<T>(stream: Stream, items: readonly T[], holds: (item: T) => boolean): T | null {
  const left = items.filter(holds);
  return left.length === 0 ? null : stream.pick(left);
}

const onSubject = (change: PhraseEdit): Edit => (stream, clause, domain) => {
  const subject = change(stream, clause.subject, domain, clause.object?.noun, clause.verb?.subject ?? "any");
  return subject && { ...clause, subject };
};
const onObject = (change: PhraseEdit): Edit => (stream, clause, domain) => {
  if (clause.object === undefined) return null;
  const object = change(stream, clause.object, domain, clause.subject.noun, clause.verb?.object ?? "any");
  return object && { ...clause, object };
};
type PhraseEdit = (
  stream: Stream,
  phrase: NounPhrase,
  domain: Domain | undefined,
  other: Noun | undefined,
  wanted: Verb["subject"],
) => NounPhrase | null;

/** Puts another noun in place, one that holds, keeping what was said of it where that can be. */
const noun = (holds: (it: Noun, was: Noun) => boolean): PhraseEdit => (stream, phrase, domain, other, wanted) => {
  if (phrase.quantity === "name") return null;
  const it = pick(
    stream,
    inDomain(NOUNS, domain),
    (it) => it.id !== phrase.noun.id && it.id !== other?.id && fits(it.kind, wanted) && holds(it, phrase.noun),
  );
  const { adjective } = phrase;
  return it && { ...phrase, noun: it, adjective: adjective && fits(it.kind, adjective.of) ? adjective : undefined };
};
const generalNoun = noun((it, was) => isA(was, it));
const specialNoun = noun((it, was) => isA(it, was));
const otherNoun = noun((it, was) => !isA(it, was) && !isA(was, it) && it.kind === was.kind);

const adjective =
  (change: (stream: Stream, phrase: NounPhrase) => Adjective | undefined | null): PhraseEdit => (stream, phrase) => {
    if (phrase.quantity === "name") return null;
    const it = change(stream, phrase);
    return it === null ? null : { ...phrase, adjective: it };
  };
const addAdjective = adjective((stream, { noun, adjective }) => adjective ? null : drawAdjective(stream, noun.kind));
const dropAdjective = adjective((_, { adjective }) => adjective ? undefined : null);
const otherAdjective = adjective((stream, { noun, adjective: was }) =>
  was === undefined ? null : pick(stream, ADJECTIVES, (it) => fits(noun.kind, it.of) && !isA(it, was) && !isA(was, it))
);

const verb = (holds: (it: Verb, was: Verb) => boolean): Edit => (stream, clause) => {
  const { verb: was, subject, object } = clause;
  if (was === undefined) return null;
  const it = pick(
    stream,
    VERBS,
    (it) =>
      it.id !== was.id && fits(subject.noun.kind, it.subject) && (it.object === null) === (object === undefined) &&
      (object === undefined || it.object === null || fits(object.noun.kind, it.object)) && holds(it, was),
  );
  return it && { ...clause, verb: it };
};

const state = (holds: (it: Adjective, was: Adjective) => boolean): Edit => (stream, clause) => {
  const { state: was, subject } = clause;
  if (was === undefined) return null;
  const it = pick(stream, ADJECTIVES, (it) => fits(subject.noun.kind, it.of) && it.id !== was.id && holds(it, was));
  return it && { ...clause, state: it };
};

/** Counts the subject otherwise. Only known ones can be the subject of a negation. */
const quantity = (to: (was: Quantity) => readonly Quantity[]): Edit => (stream, clause) => {
  const choice = pick(stream, to(clause.subject.quantity), (it) => it !== clause.subject.quantity);
  return choice && !clause.negated ? { ...clause, subject: { ...clause.subject, quantity: choice } } : null;
};

const MORE: Partial<Record<Quantity, readonly Quantity[]>> = {
  a: ["every"],
  some: ["many", "every", "three"],
  two: ["three", "many"],
  three: ["many"],
};
const LESS: Partial<Record<Quantity, readonly Quantity[]>> = {
  the: ["a"],
  these: ["some"],
  two: ["some", "a"],
  three: ["some", "two"],
  many: ["some", "a"],
  every: ["some", "a", "the"],
};

/** Every edit by name. `general` and `less` weaken, `special` and `more` strengthen, `other` replaces, of a kind. */
export const EDITS = {
  negate: (_, clause) => {
    const { subject, object, negated } = clause;
    return negated || isDefinite(subject) && (object === undefined || isDefinite(object))
      ? { ...clause, negated: !negated }
      : null;
  },
  swap: (_, clause) => {
    const { subject, object, verb } = clause;
    if (object === undefined || verb === undefined || verb.object === null) return null;
    return fits(object.noun.kind, verb.subject) && fits(subject.noun.kind, verb.object)
      ? { ...clause, subject: { ...object }, object: { ...subject } }
      : null;
  },
  generalSubject: onSubject(generalNoun),
  generalObject: onObject(generalNoun),
  generalVerb: verb((it, was) => isA(was, it)),
  generalState: state((it, was) => isA(was, it)),
  specialSubject: onSubject(specialNoun),
  specialObject: onObject(specialNoun),
  specialVerb: verb((it, was) => isA(it, was)),
  specialState: state((it, was) => isA(it, was)),
  otherSubject: onSubject(otherNoun),
  otherObject: onObject(otherNoun),
  otherVerb: verb((it, was) => !isA(it, was) && !isA(was, it)),
  otherState: state((it, was) => !isA(it, was) && !isA(was, it)),
  oppositeVerb: verb(excludes),
  oppositeState: state(excludes),
  oppositeManner: (stream, clause) => {
    const { manner: was } = clause;
    const manner = was && pick(stream, ADVERBS, (it) => excludes(it, was));
    return manner ? { ...clause, manner } : null;
  },
  addAdjective: onSubject(addAdjective),
  addObjectAdjective: onObject(addAdjective),
  dropAdjective: onSubject(dropAdjective),
  dropObjectAdjective: onObject(dropAdjective),
  otherAdjective: onSubject(otherAdjective),
  otherObjectAdjective: onObject(otherAdjective),
  addManner: (stream, clause) =>
    clause.manner || clause.verb === undefined ? null : { ...clause, manner: stream.pick(ADVERBS) },
  dropManner: (_, clause) => clause.manner ? { ...clause, manner: undefined } : null,
  addWhere: (stream, clause, domain) =>
    clause.where || clause.verb === undefined ? null : { ...clause, where: drawWhere(stream, domain) },
  dropWhere: (_, clause) => clause.where ? { ...clause, where: undefined } : null,
  otherWhere: (stream, clause, domain) => {
    const where = drawWhere(stream, domain);
    return clause.where && where.place.id !== clause.where.place.id ? { ...clause, where } : null;
  },
  more: quantity((was) => MORE[was] ?? []),
  less: quantity((was) => LESS[was] ?? []),
  none: quantity((was) => was === "no" ? ["some", "a"] : was === "name" ? [] : ["no"]),
} as const satisfies Record<string, Edit>;
export type EditName = keyof typeof EDITS;

/** Makes one of the named edits, whichever is possible. */
export function edit(
  stream: Stream,
  clause: Clause,
  names: readonly EditName[],
  domain?: Domain,
): Clause | null {
  for (const name of stream.shuffled(names)) {
    const changed = EDITS[name](stream, clause, domain);
    if (changed !== null) return changed;
  }
  return null;
}
