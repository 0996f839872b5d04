/** cola: grammatical sentences, and the same with one fault. */
import type { Stream } from "../../random/stream.ts";
import type { DrawItem } from "./item.ts";
import { drawNounPhrase } from "./meaning.ts";
import { join, type Part, sayNounPhrase, type Token } from "./say.ts";
import { drawSentence } from "./sentences.ts";

/** Spoils a sentence, or gives null where it cannot. */
type Fault = (stream: Stream, tokens: readonly Token[]) => Token[] | null;

/** Puts other tokens for one token that holds. */
function at(
  holds: (token: Token, i: number, all: readonly Token[]) => boolean,
  change: (token: Token, stream: Stream) => Token[],
): Fault {
  return (stream, tokens) => {
    const places = tokens.flatMap((token, i) => holds(token, i, tokens) ? [i] : []);
    if (places.length === 0) return null;
    const i = stream.pick(places);
    return tokens.flatMap((token, j) => j === i ? change(token, stream) : [token]);
  };
}

/** Two neighbours that never stand the other way round. */
const SWAPS: readonly (readonly [Part, Part])[] = [
  ["determiner", "noun"],
  ["determiner", "adjective"],
  ["adjective", "noun"],
  ["preposition", "determiner"],
  ["finite", "determiner"],
  ["agent", "determiner"],
];

const isPart = (...parts: Part[]) => (token: Token | undefined) => token !== undefined && parts.includes(token.part);
const useWrongForm = (token: Token) => [{ ...token, text: token.wrong ?? "" }];
const hasWrongForm = (...parts: Part[]) => (token: Token) => token.wrong !== undefined && isPart(...parts)(token);

/** The faults by name. */
export const FAULTS = {
  agreement: at(hasWrongForm("finite"), useWrongForm),
  number: at(hasWrongForm("noun"), useWrongForm),
  determiner: at(hasWrongForm("determiner"), useWrongForm),
  verbForm: at(hasWrongForm("bare", "participle"), useWrongForm),
  order: (stream, tokens) => {
    const places = tokens.flatMap((token, i) =>
      SWAPS.some(([x, y]) => token.part === x && tokens[i + 1]?.part === y) ? [i] : []
    );
    if (places.length === 0) return null;
    const i = stream.pick(places);
    return [...tokens.slice(0, i), ...tokens.slice(i, i + 2).reverse(), ...tokens.slice(i + 2)];
  },
  missingDeterminer: at(
    (token, i, all) => token.part === "determiner" && all.slice(i + 1).find(isPart("noun"))?.singular === true,
    () => [],
  ),
  // Without its verb, "the dog sees the cat and the cow runs" would still be a sentence.
  missingVerb: at(
    (token, i, all) =>
      token.part === "finite" && !(token.verb?.object === null && all.slice(0, i).some(({ text }) => text === "and")),
    () => [],
  ),
  missingAgent: at(isPart("agent"), () => []),
  missingObject: (_, tokens) => {
    const i = tokens.findIndex(({ role }, i) => role === "object" && hasVerbBefore(tokens, i));
    return i < 0 ? null : tokens.filter(({ role }, j) => j < i || role !== "object" || j > phraseEnd(tokens, i));
  },
  extraObject: (stream, tokens) => {
    const i = tokens.findIndex(({ verb }) => verb !== undefined && verb.object === null);
    if (i < 0) return null;
    const phrase = sayNounPhrase(stream, drawNounPhrase(stream, "animate", ["the", "a"], 0), "object");
    return [...tokens.slice(0, i + 1), ...phrase, ...tokens.slice(i + 1)];
  },
  twice: at(isPart("determiner", "preposition", "agent"), (token) => [token, token]),
} as const satisfies Record<string, Fault>;

/** Whether the token before a noun phrase is a verb in want of an object. */
function hasVerbBefore(tokens: readonly Token[], i: number): boolean {
  return tokens[i - 1]?.verb?.object != null && tokens[i - 1]?.part !== "participle";
}

function phraseEnd(tokens: readonly Token[], start: number): number {
  let end = start;
  while (tokens[end]?.part !== "noun" && tokens[end]?.part !== "name") end++;
  return end;
}

/** An acceptable sentence (1), or one with a fault (0). */
export const drawCola: DrawItem = (stream, wanted) => {
  const sentence = drawSentence(stream);
  if (wanted === 1) return { a: join(sentence), truth: 1 };
  const fault: Fault = FAULTS[stream.pick(Object.keys(FAULTS) as (keyof typeof FAULTS)[])];
  const spoiled = fault(stream, sentence);
  return spoiled && { a: join(spoiled), truth: 0 };
};
