/**
 * DyLoRA: LoRA whose first b ranks work by themselves, for every b (Valipour et al. 2023, arXiv 2210.07558).
 *
 * Each training step draws one b for all modules, uniformly from 1..r, and trains the first b rows of A and columns of B as a
 * LoRA of rank b, scale alpha / b included (the authors' code, github huawei-noah/KD-NLP, has it as sqrt(r / b) on either
 * factor of a LoRA of scale alpha / r). Later any rank can be cut out.
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { lowRankAdapter, type LowRankOptions, lowRankOptions } from "./low_rank.ts";
import type { Method } from "./method.ts";

export interface DyloraOptions extends LowRankOptions {
  /** The rank that evaluation, merging and counting see: 1 to `rank`, all of it unless said otherwise. */
  readonly evaluateRank: number;
}

const options = z.strictObject({ ...lowRankOptions, evaluateRank: z.int().min(1).optional() })
  .transform(({ evaluateRank, ...rest }) => ({ ...rest, evaluateRank: evaluateRank ?? rest.rank }))
  .refine(({ rank, evaluateRank }) => evaluateRank <= rank, {
    path: ["evaluateRank"],
    error: ({ input }) => {
      const { rank, evaluateRank } = input as DyloraOptions;
      return `"${evaluateRank}" is more than the rank "${rank}" that trains`;
    },
  });

/**
 * Which ranks a training step uses: 1 for the first ceil(u r), 0 for the others.
 * @param u [1, 1], uniform on (0, 1)
 * @returns [r, 1]
 */
export function firstRanks(u: tf.Tensor, rank: number): tf.Tensor {
  const below = tf.tensor2d(Array.from({ length: rank }, (_, k) => k), [rank, 1], "float32");
  return tf.cast(tf.greater(tf.mul(u, rank), below), "float32");
}

export const dylora: Method<DyloraOptions> = {
  name: "dylora",
  label: "DyLoRA",
  title: "low-rank adapters of many ranks in one",
  reference: "Valipour et al. 2023, arXiv 2210.07558",
  options,
  attach: (config, options) => {
    const { rank, alpha, evaluateRank } = options;
    const adapter = lowRankAdapter(config, options, {
      rank: evaluateRank,
      trainingScale(noise) {
        const mask = firstRanks(noise.uniform("dylora.rank", [1, 1]), rank);
        return tf.div(tf.mul(mask, alpha), tf.sum(mask)); // a row of A that is zero silences its column of B
      },
    });
    if (evaluateRank === rank) return adapter;
    return {
      ...adapter,
      save(tensors) {
        const saved = adapter.save(tensors);
        // PEFT knows no truncation, and would take "LORA" for one of all the ranks.
        return { ...saved, config: { ...saved.config, peft_type: "DYLORA", evaluate_rank: evaluateRank } };
      },
    };
  },
};
