/**
 * The shapes that are timed: `mini`, which is like the backbone of the profile mini but not the same (that one has a feed-forward
 * of 64, its tokenizer's words and no dropout), and three sizes of DeBERTaV3.
 */
import type { DebertaConfig } from "../src/deberta/config.ts";

export interface Shape {
  readonly config: DebertaConfig;
  readonly batch: number;
  readonly length: number;
}

const common = { maxPosition: 512, layerNormEps: 1e-7, hiddenDropout: 0.1, attentionDropout: 0.1 };
const debertaV3 = (hidden: number, layers: number, heads: number): Shape => ({
  config: { ...common, hidden, layers, heads, ffn: 4 * hidden, vocabulary: 128_100, positionBuckets: 256 },
  batch: 16,
  length: 128,
});

export const SHAPES: Readonly<Record<string, Shape>> = {
  mini: {
    config: { ...common, hidden: 64, layers: 3, heads: 4, ffn: 256, vocabulary: 600, positionBuckets: 16 },
    batch: 16,
    length: 32,
  },
  xsmall: debertaV3(384, 12, 6),
  small: debertaV3(768, 6, 12),
  base: debertaV3(768, 12, 12),
};

/** Real tasks that fit a benchmark: text of some hundred kilobytes, cross entropy over two classes. */
export const EPOCH_TASKS = ["rte", "cola"];
