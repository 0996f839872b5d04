/** What a MiniGLUE sentence says, before any word is chosen. */
import type { Stream } from "../../random/stream.ts";
import {
  type Adjective,
  ADJECTIVES,
  type Adverb,
  ADVERBS,
  type Class,
  type Domain,
  fits,
  type Kind,
  NAMES,
  type Noun,
  NOUNS,
  type Place,
  PLACES,
  type Verb,
  VERBS,
} from "./lexicon.ts";

/** How many are meant: `the` one known, `these` several known, a `name`; or a quantifier. */
export type Quantity = "the" | "these" | "name" | "a" | "some" | "two" | "three" | "many" | "every" | "no";

export interface NounPhrase {
  readonly quantity: Quantity;
  readonly noun: Noun;
  readonly adjective?: Adjective | undefined;
}
export interface Where {
  /** The place's own preposition, or `near` or `behind` it. */
  readonly preposition: string;
  readonly place: Place;
}
/** An event (a verb, perhaps with an object) or a state (an adjective said of the subject). */
export interface Clause {
  readonly subject: NounPhrase;
  readonly verb?: Verb | undefined;
  readonly object?: NounPhrase | undefined;
  readonly state?: Adjective | undefined;
  readonly manner?: Adverb | undefined;
  readonly where?: Where | undefined;
  readonly negated: boolean;
}

/** How clauses are drawn; each probability has the default in brackets. */
export interface Draw {
  /** Which words may stand in it [any domain]. */
  readonly domain?: Domain | undefined;
  /** Asks for an object, or for none [a transitive verb twice in three]. */
  readonly transitive?: boolean | undefined;
  /** Of an adjective on each noun phrase, a manner, a place [0.3]. */
  readonly modifiers?: number | undefined;
  /** Of a state instead of an event [0.1]. */
  readonly state?: number | undefined;
  /** Of a negation, where the noun phrases allow one [0.1]. */
  readonly negation?: number | undefined;
  /** Of a quantifier other than `the`, `these` or a name [0.35]. */
  readonly quantifier?: number | undefined;
}

const KNOWN: readonly Quantity[] = ["the", "the", "the", "these"];
const QUANTIFIED: readonly Quantity[] = ["a", "a", "some", "two", "three", "many", "every", "no"];
const OBJECTS: readonly Quantity[] = ["a", "some", "two", "three"];

/** Whether the phrase picks out something known, so that negation leaves it alone. */
export function isDefinite({ quantity }: NounPhrase): boolean {
  return quantity === "the" || quantity === "these" || quantity === "name";
}

/** Whether the phrase takes a plural verb. */
export function isPlural({ quantity }: NounPhrase): boolean {
  return quantity === "these" || quantity === "some" || quantity === "two" || quantity === "three" ||
    quantity === "many";
}

export function inDomain<T extends { readonly domain: Domain }>(all: readonly T[], domain: Domain = "both"): T[] {
  return all.filter((it) => domain === "both" || it.domain === "both" || it.domain === domain);
}

export function drawNoun(stream: Stream, wanted: Class, domain?: Domain): Noun {
  return stream.pick(inDomain(NOUNS, domain).filter(({ kind }) => fits(kind, wanted)));
}

export function drawAdjective(stream: Stream, kind: Kind): Adjective {
  return stream.pick(ADJECTIVES.filter(({ of }) => fits(kind, of)));
}

export function drawWhere(stream: Stream, domain?: Domain): Where {
  const place = stream.pick(inDomain(PLACES, domain));
  return { place, preposition: stream.chance(0.6) ? place.preposition : stream.pick(["near", "behind"]) };
}

/** A noun phrase of a class, with an adjective of the given probability. */
export function drawNounPhrase(
  stream: Stream,
  wanted: Class,
  quantities: readonly Quantity[],
  modifiers: number,
  domain?: Domain,
): NounPhrase {
  if (fits("person", wanted) && stream.chance(0.1)) return { quantity: "name", noun: stream.pick(NAMES) };
  const noun = drawNoun(stream, wanted, domain);
  const adjective = stream.chance(modifiers) ? drawAdjective(stream, noun.kind) : undefined;
  return { quantity: stream.pick(quantities), noun, adjective };
}

/** A clause by chance. */
export function drawClause(stream: Stream, draw: Draw = {}): Clause {
  const { domain, modifiers = 0.3, state = 0.1, negation = 0.1, quantifier = 0.35 } = draw;
  const quantities = stream.chance(quantifier) ? QUANTIFIED : KNOWN;
  if (draw.transitive === undefined && stream.chance(state)) {
    const subject = drawNounPhrase(stream, "any", KNOWN, 0, domain);
    return { subject, state: drawAdjective(stream, subject.noun.kind), negated: stream.chance(negation) };
  }
  const transitive = draw.transitive ?? stream.chance(0.67);
  const verb = stream.pick(VERBS.filter(({ object }) => (object !== null) === transitive));
  const subject = drawNounPhrase(stream, verb.subject, quantities, modifiers, domain);
  let object: NounPhrase | undefined;
  while (verb.object !== null && (object === undefined || object.noun.id === subject.noun.id)) {
    const plain = quantities === QUANTIFIED || stream.chance(0.7);
    object = drawNounPhrase(stream, verb.object, plain ? KNOWN : OBJECTS, modifiers, domain);
  }
  return {
    subject,
    verb,
    object,
    manner: stream.chance(modifiers) ? stream.pick(ADVERBS) : undefined,
    where: stream.chance(modifiers) ? drawWhere(stream, domain) : undefined,
    negated: isDefinite(subject) && (object === undefined || isDefinite(object)) && stream.chance(negation),
  };
}
