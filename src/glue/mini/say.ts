/** Puts meanings into words. Whatever is said of a clause here means the same; only the wording is left to chance. */
import type { Stream } from "../../random/stream.ts";
import type { Concept, Verb } from "./lexicon.ts";
import { type Clause, isDefinite, isPlural, type NounPhrase, type Where } from "./meaning.ts";

/** What a word does in its sentence. `linking` is a word that nothing can be done to: an adverb, a conjunction. */
export type Part =
  | "determiner"
  | "adjective"
  | "noun"
  | "name"
  | "finite"
  | "bare"
  | "participle"
  | "preposition"
  | "agent"
  | "linking";

/** A word in its place. */
export interface Token {
  readonly text: string;
  readonly part: Part;
  /** The form that would be wrong here: the other number, the other verb form, the other article. */
  readonly wrong?: string | undefined;
  /** Of a noun: it stands for one, and so needs a determiner. */
  readonly singular?: boolean | undefined;
  /** What it belongs to, for words of a noun phrase. */
  readonly role?: Role | undefined;
  readonly verb?: Verb | undefined;
}
export type Role = "subject" | "object";

/** Asks for a wording instead of leaving it to chance. */
export interface Style {
  readonly voice?: "active" | "passive" | undefined;
}

/** The text of a sentence: words and marks apart by single spaces. */
export function join(...parts: readonly (string | readonly Token[])[]): string {
  return parts.map((part) => typeof part === "string" ? part : part.map(({ text }) => text).join(" ")).join(" ");
}

/** One of a concept's words, in a form by its number. */
export function word(stream: Stream, concept: Concept, form = 0): string {
  return stream.pick(concept.words)[form] ?? "";
}

/** A word that nothing is known of. */
export function linking(text: string): Token {
  return { text, part: "linking" };
}

/** A noun phrase: `the big dog`, `every duck`, `alice`. */
export function sayNounPhrase(stream: Stream, phrase: NounPhrase, role?: Role): Token[] {
  const { quantity, noun, adjective } = phrase;
  if (quantity === "name") return [{ text: word(stream, noun), part: "name", role }];
  const forms = stream.pick(noun.words), all = quantity === "every" && stream.chance(0.3);
  const plural = isPlural(phrase) || all;
  const after: Token[] = adjective === undefined ? [] : [{ text: word(stream, adjective), part: "adjective", role }];
  const determiner = determinerOf(stream, phrase, all, after[0]?.text ?? forms[plural ? 1 : 0] ?? "");
  const counted = determiner.text !== "the" && quantity !== "no";
  return [
    { ...determiner, role },
    ...after,
    {
      text: forms[plural ? 1 : 0] ?? "",
      part: "noun",
      wrong: counted ? forms[plural ? 0 : 1] : undefined,
      singular: !plural,
      role,
    },
  ];
}

function determinerOf(stream: Stream, { quantity }: NounPhrase, all: boolean, next: string): Token {
  const the = (other: string) => stream.chance(0.93) ? "the" : other;
  switch (quantity) {
    case "the":
      return { text: the("this"), part: "determiner", wrong: "these" };
    case "these":
      return { text: the("these"), part: "determiner", wrong: stream.pick(["this", "every", "a"]) };
    case "a": {
      const vowel = /^[aeiou]/.test(next);
      return { text: vowel ? "an" : "a", part: "determiner", wrong: vowel ? "a" : stream.pick(["an", "two", "these"]) };
    }
    case "every":
      return all
        ? { text: "all", part: "determiner", wrong: "every" }
        : { text: stream.pick(["every", "each"]), part: "determiner", wrong: stream.pick(["all", "many", "three"]) };
    case "no":
      return { text: "no", part: "determiner" };
    default:
      return { text: quantity, part: "determiner", wrong: stream.pick(["every", "this", "each"]) };
  }
}

/** A finite verb form, with the one of the other number as its wrong form. */
function finite(singular: string, plural: string, isSingular: boolean, verb?: Verb): Token {
  return { text: isSingular ? singular : plural, wrong: isSingular ? plural : singular, part: "finite", verb };
}

/** Whether what was said of the subject takes the singular: `all dogs` says `every dog` in the plural. */
function isSingular(subject: readonly Token[], phrase: NounPhrase): boolean {
  return !isPlural(phrase) && subject[0]?.text !== "all";
}

/** Whether the passive means the same: no quantifier may change its scope. */
export function canBePassive({ subject, object, verb }: Clause): boolean {
  return verb !== undefined && object !== undefined && isDefinite(subject) && subject.quantity !== "name";
}

/** A statement. */
export function say(stream: Stream, clause: Clause, style: Style = {}): Token[] {
  const passive = canBePassive(clause) && (style.voice ?? (stream.chance(0.35) ? "passive" : "active")) === "passive";
  const core = passive ? sayPassive(stream, clause) : sayActive(stream, clause);
  if (clause.where === undefined) return core;
  const where = sayWhere(stream, clause.where);
  return stream.chance(0.25) ? [...where, ...core] : [...core, ...where];
}

/** `in the garden`, `near this house` */
export function sayWhere(stream: Stream, { preposition, place }: Where): Token[] {
  const text = preposition === "near" ? stream.pick(["near", "beside"]) : preposition;
  return [
    { text, part: "preposition" },
    { text: "the", part: "determiner", wrong: "two" },
    { text: word(stream, place), part: "noun", singular: true },
  ];
}

function sayActive(stream: Stream, clause: Clause): Token[] {
  const subject = sayNounPhrase(stream, clause.subject, "subject"), singular = isSingular(subject, clause.subject);
  if (clause.state !== undefined) {
    const not = clause.negated ? [linking("not")] : [];
    return [...subject, finite("is", "are", singular), ...not, linking(word(stream, clause.state))];
  }
  return [...subject, ...predicate(stream, clause, singular)];
}

/** Verb, object and manner: `quickly chases the cat`, `does not chase the cat`. */
export function predicate(stream: Stream, clause: Clause, singular: boolean): Token[] {
  const { verb, object, manner, negated } = clause;
  if (verb === undefined) return [];
  const forms = stream.pick(verb.words), base = forms[0] ?? "", third = forms[1] ?? "";
  const head: Token[] = negated
    ? [finite("does", "do", singular), linking("not"), { text: base, part: "bare", wrong: third, verb }]
    : [finite(third, base, singular, verb)];
  const rest = object === undefined ? [] : sayNounPhrase(stream, object, "object");
  if (manner === undefined) return [...head, ...rest];
  const adverb = linking(word(stream, manner));
  return !negated && stream.chance(0.4) ? [adverb, ...head, ...rest] : [...head, ...rest, adverb];
}

function sayPassive(stream: Stream, { subject, verb, object, manner, negated }: Clause): Token[] {
  if (verb === undefined || object === undefined) return [];
  const patient = sayNounPhrase(stream, object, "object"), forms = stream.pick(verb.words);
  const adverb = manner === undefined ? [] : [linking(word(stream, manner))];
  const early = stream.chance(0.5);
  return [
    ...patient,
    finite("is", "are", isSingular(patient, object)),
    ...negated ? [linking("not")] : [],
    ...early ? adverb : [],
    { text: forms[2] ?? "", wrong: forms[0] === forms[2] ? forms[1] : forms[0], part: "participle", verb },
    { text: "by", part: "agent" },
    ...sayNounPhrase(stream, subject, "subject"),
    ...early ? [] : adverb,
  ];
}
