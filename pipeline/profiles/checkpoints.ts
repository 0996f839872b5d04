/** The published sizes of DeBERTaV3 that profiles start from (He et al. 2021, arXiv 2111.09543; Hugging Face's config.json). */
import type { DebertaConfig } from "../../src/deberta/config.ts";
import type { Weights } from "./profile.ts";

/** Rows of the word embeddings of every size: 128,000 pieces, the mask, and some that no token has. */
export const VOCABULARY = 128_100;

interface Checkpoint {
  readonly backbone: Omit<DebertaConfig, "vocabulary">;
  readonly weights: Weights;
}

function debertaV3(size: string, hidden: number, layers: number, heads: number): Checkpoint {
  return {
    backbone: {
      hidden,
      layers,
      heads,
      ffn: 4 * hidden,
      maxPosition: 512,
      positionBuckets: 256,
      layerNormEps: 1e-7,
      hiddenDropout: 0.1,
      attentionDropout: 0.1,
    },
    weights: { kind: "checkpoint", source: `deberta-v3-${size}/model.safetensors`, vocabulary: VOCABULARY, std: 0.02 },
  };
}

export const XSMALL = debertaV3("xsmall", 384, 12, 6);
export const SMALL = debertaV3("small", 768, 6, 12);
export const BASE = debertaV3("base", 768, 12, 12);
