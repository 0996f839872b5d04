/** Statements of every construction of the grammar, word by word with their parts. */
import type { Stream } from "../../random/stream.ts";
import { type Domain, fits } from "./lexicon.ts";
import { drawClause, drawNounPhrase, isPlural } from "./meaning.ts";
import { linking, predicate, say, sayNounPhrase, type Token } from "./say.ts";

/** A grammatical statement: a clause, two clauses, a relative clause, or two subjects. */
export function drawSentence(stream: Stream, domain?: Domain): Token[] {
  const kind = stream.below(10);
  if (kind < 5) return say(stream, drawClause(stream, { domain, modifiers: 0.35, state: 0.15 }));
  if (kind < 7) {
    const clause = () => say(stream, drawClause(stream, { domain, modifiers: 0.1, quantifier: 0.2 }));
    return [...clause(), linking(stream.pick(["and", "but", "because", "while"])), ...clause()];
  }
  return kind < 9 ? relative(stream, domain) : together(stream, domain);
}

/** `the dogs that chase the cat sleep`: the object stands between the subject and its verb. */
function relative(stream: Stream, domain?: Domain): Token[] {
  const within = drawClause(stream, { domain, transitive: true, modifiers: 0, negation: 0, quantifier: 0 });
  const { subject } = within, { kind } = subject.noun, singular = !isPlural(subject);
  const draw = { domain, transitive: stream.chance(0.3), modifiers: 0.1, quantifier: 0 };
  let main = drawClause(stream, draw);
  while (main.verb === undefined || !fits(kind, main.verb.subject)) main = drawClause(stream, draw);
  const pronoun = linking(kind === "person" ? stream.pick(["who", "that"]) : "that");
  // Names take no relative clause.
  const clause = subject.quantity === "name" ? [] : [pronoun, ...predicate(stream, within, singular)];
  return [...sayNounPhrase(stream, subject, "subject"), ...clause, ...predicate(stream, main, singular)];
}

/** `the dog and the cat sleep`: two singulars take a plural verb. */
function together(stream: Stream, domain?: Domain): Token[] {
  const main = drawClause(stream, { domain, transitive: stream.chance(0.5), modifiers: 0.2, quantifier: 0 });
  const other = drawNounPhrase(stream, main.verb?.subject ?? "any", ["the", "the", "these"], 0, domain);
  return [
    ...sayNounPhrase(stream, main.subject, "subject"),
    linking("and"),
    ...sayNounPhrase(stream, other, "subject"),
    ...predicate(stream, main, false),
  ];
}
