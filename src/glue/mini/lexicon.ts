/** The concepts of MiniGLUE and what they have to do with each other. */
import * as tables from "./words.ts";

/** What a noun stands for; `animate` is a person or an animal, `any` also a thing. */
export type Kind = "person" | "animal" | "thing";
export type Class = "person" | "animate" | "thing" | "any";
/** Nouns and places of `both` stand in every text; the others keep MNLI's two development sets apart. */
export type Domain = "farm" | "town" | "both";

/** A meaning and the words for it: `words[synonym][form]`. */
export interface Concept {
  readonly id: string;
  readonly words: readonly (readonly string[])[];
  readonly hypernym: string | null;
}
/** Forms: singular, plural. A name has one form. */
export interface Noun extends Concept {
  readonly kind: Kind;
  readonly domain: Domain;
}
/** Forms: base, third person singular, participle (transitive verbs only). */
export interface Verb extends Concept {
  readonly subject: Class;
  readonly object: Class | null;
  readonly antonym: string | null;
}
export interface Adjective extends Concept {
  readonly dimension: string;
  readonly of: Class;
}
export interface Adverb extends Concept {
  readonly dimension: string;
}
export interface Place extends Concept {
  /** What one is at home with there: `in` the park, `on` the beach, `at` school. */
  readonly preposition: string;
  readonly domain: Domain;
}

/** Splits a table into rows of `columns` fields and one list of words. */
function rows(table: string, columns: number): { fields: string[]; words: string[][] }[] {
  return table.trim().split("\n").map((line) => {
    const cells = line.trim().split(/ +/);
    const words = cells.slice(columns).join(" ").split(", ").map((word) => word.split(" "));
    return { fields: cells.slice(0, columns), words };
  });
}

const id = (words: string[][]) => words[0]?.[0] ?? "";
const orNull = (cell: string | undefined) => cell === undefined || cell === "-" ? null : cell;

export const NOUNS: readonly Noun[] = rows(tables.NOUNS, 3).map(({ fields: [kind, hypernym, domain], words }) => ({
  id: id(words),
  words,
  hypernym: orNull(hypernym),
  kind: kind as Kind,
  domain: domain as Domain,
}));
export const NAMES: readonly Noun[] = tables.NAMES.split(" ").map((name) => ({
  id: name,
  words: [[name]],
  hypernym: "person",
  kind: "person",
  domain: "both",
}));
export const PLACES: readonly Place[] = rows(tables.PLACES, 2).map(({ fields: [preposition, domain], words }) => ({
  id: id(words),
  words,
  hypernym: null,
  preposition: preposition ?? "",
  domain: domain as Domain,
}));
export const VERBS: readonly Verb[] = [
  ...rows(tables.TRANSITIVE_VERBS, 4).map(({ fields: [subject, object, hypernym, antonym], words }) => ({
    id: id(words),
    words,
    hypernym: orNull(hypernym),
    subject: subject as Class,
    object: object as Class,
    antonym: orNull(antonym),
  })),
  ...rows(tables.INTRANSITIVE_VERBS, 3).map(({ fields: [subject, hypernym, antonym], words }) => ({
    id: id(words),
    words,
    hypernym: orNull(hypernym),
    subject: subject as Class,
    object: null,
    antonym: orNull(antonym),
  })),
];
export const ADJECTIVES: readonly Adjective[] = rows(tables.ADJECTIVES, 3).map(
  ({ fields: [dimension, of, hypernym], words }) => ({
    id: id(words),
    words,
    hypernym: orNull(hypernym),
    dimension: dimension ?? "",
    of: of as Class,
  }),
);
export const ADVERBS: readonly Adverb[] = rows(tables.ADVERBS, 1).map(({ fields: [dimension], words }) => ({
  id: id(words),
  words,
  hypernym: null,
  dimension: dimension ?? "",
}));

export const REVIEWED: readonly string[] = tables.REVIEWED.split(" ");
export const DEGREES: readonly string[] = tables.DEGREES.split(" ");

/** The words that reviews praise and blame with, together, by part of speech. */
const OPINION_WORDS: Readonly<Record<"adjective" | "noun" | "verb", readonly string[]>> = {
  adjective: [...opinionWords("+", "adjective"), ...opinionWords("-", "adjective")],
  noun: [...opinionWords("+", "noun"), ...opinionWords("-", "noun")],
  verb: [...opinionWords("+", "verb"), ...opinionWords("-", "verb")],
};

/** The words a review praises or blames with. */
export function opinionWords(polarity: "+" | "-", part: "adjective" | "noun" | "verb"): string[] {
  return tables.OPINIONS[polarity][part].split(" ");
}

/** Every word a MiniGLUE text can hold, each once, in a fixed order: function words first. */
export function lexicon(): string[] {
  const concepts: readonly Concept[] = [...NOUNS, ...NAMES, ...PLACES, ...VERBS, ...ADJECTIVES, ...ADVERBS];
  return [
    ...new Set([
      ...tables.FUNCTION_WORDS.split(" "),
      ...concepts.flatMap(({ words }) => words.flat()),
      ...Object.values(OPINION_WORDS).flat(),
      ...REVIEWED,
      ...DEGREES,
    ]),
  ];
}

/** Whether a noun can stand where a verb or an adjective asks for a class. */
export function fits(kind: Kind, wanted: Class): boolean {
  return wanted === "any" || wanted === kind || wanted === "animate" && kind !== "thing";
}

const HYPERNYMS: ReadonlyMap<string, string | null> = new Map(
  [...NOUNS, ...NAMES, ...VERBS, ...ADJECTIVES].map(({ id, hypernym }) => [id, hypernym]),
);

/** Whether everything that is x is y. */
export function isA(x: Concept, y: Concept): boolean {
  for (let at: string | null = x.id; at !== null; at = HYPERNYMS.get(at) ?? null) if (at === y.id) return true;
  return false;
}
