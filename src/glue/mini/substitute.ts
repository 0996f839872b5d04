/**
 * Replacements for replaced-token detection that only meaning or agreement gives away.
 *
 * A word drawn by frequency is mostly out of place at first sight, so telling it teaches which words stand side by side,
 * and little of synonyms, hypernyms, or what the other sentence says. ELECTRA's generator network draws plausible words;
 * a grammar that is known can do the same without one.
 * Reference: Clark et al. 2020, "ELECTRA", arXiv 2003.10555, section 3.4 on generators that are too weak.
 */
import type { Stream } from "../../random/stream.ts";
import {
  ADJECTIVES,
  ADVERBS,
  type Concept,
  DEGREES,
  NAMES,
  NOUNS,
  opinionWords,
  PLACES,
  REVIEWED,
  VERBS,
} from "./lexicon.ts";
import { FUNCTION_WORDS } from "./words.ts";

/**
 * Words of a kind in the same form stand in the same places: singular nouns for people, adjectives, prepositions. Those that
 * mean the same as a word, or praise as it does, are not among its replacements: nothing would give them away, and the
 * detector would be told that the right word is wrong.
 */
const KINDS: ReadonlyMap<string, readonly string[]> = (() => {
  const places: { group: string; meaning: string; word: string }[] = [];
  const add = (group: string, meaning: string, word: string) => places.push({ group, meaning, word });
  const addForms = (group: string, { id, words }: Concept) => {
    for (const word of words) word.forEach((form, i) => add(`${group} ${i}`, id, form));
  };
  for (const noun of NOUNS) addForms(noun.kind, noun);
  for (const verb of VERBS) addForms(verb.object === null ? "act" : "deed", verb);
  for (const [group, all] of Object.entries({ NAMES, PLACES, ADJECTIVES, ADVERBS })) {
    for (const concept of all) addForms(group, concept);
  }
  for (const polarity of ["+", "-"] as const) {
    for (const part of ["adjective", "noun", "verb"] as const) {
      for (const word of opinionWords(polarity, part)) add(`opinion ${part}`, polarity, word);
    }
  }
  for (const [group, all] of Object.entries({ REVIEWED, DEGREES, FUNCTION_WORDS: FUNCTION_WORDS.split(" ") })) {
    for (const word of all) add(group, word, word);
  }
  const kinds = new Map<string, string[]>();
  for (const group of Map.groupBy(places, ({ group }) => group).values()) {
    for (const { word, meaning } of group) {
      const others = group.filter((other) => other.meaning !== meaning).map((other) => other.word);
      kinds.set(word, [...kinds.get(word) ?? [], ...others]);
    }
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
