/** What every MiniGLUE task is to its generator. */
import type { Stream } from "../../random/stream.ts";
import type { Domain } from "./lexicon.ts";

/** A text or pair of texts and what is true of it: a class id, or a score of 0 to 5. */
export interface Item {
  readonly a: string;
  readonly b?: string;
  readonly truth: number;
}

/** Longest texts, in words and marks: with [CLS] and one or two [SEP], a length of 32 truncates nothing. */
export const MAX_SINGLE = 14;
export const MAX_PAIR = 25;

/**
 * Draws an item of a class, or null if this draw led to none and the next is to be tried.
 * @param wanted the class id; a regression task takes no notice of it
 */
export type DrawItem = (stream: Stream, wanted: number, domain?: Domain) => Item | null;
