/**
 * The shapes that are timed: `mini`, which is like the backbone of the profile mini but not the same (that one has a feed-forward
 * of 64, its tokenizer's words and no dropout), and three sizes of DeBERTaV3.
 */
import { BASE, SMALL, VOCABULARY, XSMALL } from "../pipeline/profiles/checkpoints.ts";
import type { DebertaConfig } from "../src/deberta/config.ts";

export interface Shape {
  readonly config: DebertaConfig;
  readonly batch: number;
  readonly length: number;
}

const sized = ({ backbone }: { readonly backbone: Omit<DebertaConfig, "vocabulary"> }): Shape => ({
  config: { ...backbone, vocabulary: VOCABULARY },
  batch: 16,
  length: 128,
});

export const SHAPES: Readonly<Record<string, Shape>> = {
  mini: {
    config: { ...XSMALL.backbone, hidden: 64, layers: 3, heads: 4, ffn: 256, vocabulary: 600, positionBuckets: 16 },
    batch: 16,
    length: 32,
  },
  xsmall: sized(XSMALL),
  small: sized(SMALL),
  base: sized(BASE),
};

/** Real tasks that fit a benchmark: text of some hundred kilobytes, cross entropy over two classes. */
export const EPOCH_TASKS = ["rte", "cola"];
