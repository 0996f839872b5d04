/**
 * Replacements for replaced-token detection that only meaning or agreement gives away.
 *
 * A word drawn by frequency is mostly out of place at first sight, so telling it teaches which words stand side by side,
 * and little of synonyms, hypernyms, or what the other sentence says. ELECTRA's generator network draws plausible words;
 * a grammar that is known can do the same without one.
 * Reference: Clark et al. 2020, "ELECTRA", arXiv 2003.10555, section 3.4 on generators that are too weak.
 */
import type { Stream } from "../../random/stream.ts";
import { ADJECTIVES, ADVERBS, DEGREES, NAMES, NOUNS, OPINION_WORDS, PLACES, REVIEWED, VERBS } from "./lexicon.ts";
import { FUNCTION_WORDS } from "./words.ts";

/** Words of a kind in the same form stand in the same places: singular nouns for people, adjectives, prepositions. */
const KINDS: ReadonlyMap<string, readonly string[]> = (() => {
  const groups = new Map<string, string[]>();
  const add = (group: string, words: readonly string[]) => groups.set(group, [...groups.get(group) ?? [], ...words]);
  for (const { kind, words } of NOUNS) for (const word of words) word.forEach((form, i) => add(`${kind} ${i}`, [form]));
  for (const { object, words } of VERBS) {
    for (const word of words) word.forEach((form, i) => add(`${object === null ? "act" : "deed"} ${i}`, [form]));
  }
  for (const [group, all] of Object.entries({ NAMES, PLACES, ADJECTIVES, ADVERBS })) {
    for (const { words } of all) add(group, words.flat());
  }
  for (const [group, words] of Object.entries(OPINION_WORDS)) add(group, words);
  add("reviewed", REVIEWED);
  add("degree", DEGREES);
  add("function", FUNCTION_WORDS.split(" "));
  const kinds = new Map<string, string[]>();
  for (const group of groups.values()) {
    for (const word of group) kinds.set(word, [...kinds.get(word) ?? [], ...group.filter((other) => other !== word)]);
  }
  return kinds;
})();

/** The other forms of a noun or verb. */
const FORMS: ReadonlyMap<string, readonly string[]> = new Map(
  [...NOUNS, ...VERBS].flatMap(({ words }) =>
    words.flatMap((forms) => forms.map((form) => [form, forms.filter((other) => other !== form)] as const))
  ),
);

/** Of another form of the same word, where it has one. */
const OTHER_FORM = 0.2;

/**
 * A word that could stand in a word's place but for its meaning, or now and then its number.
 * @throws RangeError if the word is not one of lexicon()
 */
export function substitute(stream: Stream, word: string): string {
  const forms = FORMS.get(word) ?? [], kind = KINDS.get(word);
  if (forms.length > 0 && stream.chance(OTHER_FORM)) return stream.pick(forms);
  if (kind === undefined) throw new RangeError(`substitute: "${word}" is not in the lexicon`);
  return stream.pick(kind);
}
