/** Questions about clauses. */
import type { Stream } from "../../random/stream.ts";
import { type Clause, isPlural, type NounPhrase } from "./meaning.ts";
import { infer } from "./relate.ts";
import { canBePassive, linking, predicate, say, sayNounPhrase, sayWhere, type Token, word } from "./say.ts";

/** What is asked of a clause: who does it, to whom, where, why, whether, or how one can. */
export interface Question {
  readonly asks: "subject" | "object" | "where" | "why" | "whether" | "how";
  readonly clause: Clause;
}

/** Whether there is something to ask for. */
export function canAsk({ asks, clause }: Question): boolean {
  if (clause.negated || clause.verb === undefined || clause.subject.quantity === "no") return false;
  if (asks === "object") return clause.object !== undefined;
  if (asks === "where") return clause.where !== undefined;
  if (asks === "how") return clause.object !== undefined && clause.verb.subject === "person";
  return true;
}

/** A question in words, question mark and all. */
export function ask(stream: Stream, { asks, clause }: Question): Token[] {
  return [...askOpen(stream, asks, clause), linking("?")];
}

function askOpen(stream: Stream, asks: Question["asks"], clause: Clause): Token[] {
  const { subject, object, where } = clause;
  const pronoun = linking((asks === "object" ? object : subject)?.noun.kind === "person" ? "who" : "what");
  const place = where === undefined ? [] : sayWhere(stream, where);
  const passive = canBePassive(clause) && stream.chance(0.4);
  switch (asks) {
    case "subject":
      // "who chases the cat", "who is the cat chased by"
      return passive
        ? [pronoun, ...invertPassive(stream, clause, []), ...place]
        : [pronoun, ...predicate(stream, { ...clause, negated: false }, true), ...place];
    case "object":
      // "what does the dog chase", "what is chased by the dog"
      return passive
        ? [
          pronoun,
          linking("is"),
          participle(stream, clause),
          linking("by"),
          ...sayNounPhrase(stream, subject),
          ...place,
        ]
        : [pronoun, ...invert(stream, { ...clause, object: undefined }), ...place];
    case "where": {
      const opening = stream.chance(0.7) ? [linking("where")] : [linking("at"), linking("what"), linking("place")];
      return [...opening, ...whether(stream, { ...clause, where: undefined })];
    }
    case "why": {
      const reason = stream.below(3);
      if (reason === 0) return [...words("what is the reason that"), ...say(stream, clause)];
      return [...words(reason === 1 ? "why" : "for what reason"), ...whether(stream, clause)];
    }
    case "whether":
      return whether(stream, clause);
    case "how": {
      const opening = stream.pick(["how can i", "how should i", "what is the best way to", "how can you"]);
      return [...words(opening), linking(word(stream, verbOf(clause))), ...phrase(stream, object)];
    }
  }
}

function words(text: string): Token[] {
  return text.split(" ").map(linking);
}

function verbOf({ verb }: Clause) {
  if (verb === undefined) throw new RangeError("A state cannot be asked for its verb");
  return verb;
}

function phrase(stream: Stream, phrase: NounPhrase | undefined): Token[] {
  return phrase === undefined ? [] : sayNounPhrase(stream, phrase);
}

function participle(stream: Stream, clause: Clause): Token {
  return { text: word(stream, verbOf(clause), 2), part: "participle" };
}

/** `does the dog chase the cat in the garden` */
function whether(stream: Stream, clause: Clause): Token[] {
  const place = clause.where === undefined ? [] : sayWhere(stream, clause.where);
  return canBePassive(clause) && stream.chance(0.35)
    ? [...invertPassive(stream, clause, phrase(stream, clause.subject)), ...place]
    : [...invert(stream, clause), ...place];
}

function invert(stream: Stream, clause: Clause): Token[] {
  const subject = phrase(stream, clause.subject);
  const plural = isPlural(clause.subject) || subject[0]?.text === "all";
  const manner = clause.manner === undefined ? [] : [linking(word(stream, clause.manner))];
  const verb = linking(word(stream, verbOf(clause)));
  return [linking(plural ? "do" : "does"), ...subject, verb, ...phrase(stream, clause.object), ...manner];
}

function invertPassive(stream: Stream, clause: Clause, agent: readonly Token[]): Token[] {
  const { object } = clause;
  const manner = clause.manner === undefined ? [] : [linking(word(stream, clause.manner))];
  const verb = linking(object !== undefined && isPlural(object) ? "are" : "is");
  return [verb, ...phrase(stream, object), ...manner, participle(stream, clause), linking("by"), ...agent];
}

/**
 * Whether a statement answers a question: what is asked for is there, and the statement tells all that the question
 * takes for granted.
 */
export function answers({ asks, clause: known }: Question, statement: Clause): boolean {
  if (statement.negated || statement.subject.quantity === "no") return false;
  const sameKind = (x: NounPhrase | undefined, y: NounPhrase | undefined) =>
    x !== undefined && y !== undefined && (x.noun.kind === "person") === (y.noun.kind === "person");
  switch (asks) {
    case "subject": {
      const { subject } = known;
      return sameKind(subject, statement.subject) && infer({ ...statement, subject }, known) === "entailment";
    }
    case "object": {
      const { object } = known;
      return sameKind(object, statement.object) && infer({ ...statement, object }, known) === "entailment";
    }
    case "where":
      return statement.where !== undefined &&
        infer({ ...statement, where: undefined }, { ...known, where: undefined }) === "entailment";
    default:
      return false;
  }
}
