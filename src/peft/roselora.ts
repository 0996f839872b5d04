/**
 * RoseLoRA: LoRA whose A is pruned row by row and whose B column by column (Wang et al. 2024, arXiv 2406.10777).
 *
 * The update is a sum of r outer products, so when each row of A and each column of B keeps a share t of its entries, at most
 * r t^2 of the update's entries are not zero. What stays is what the loss is most sensitive to: the running mean of |p dL/dp|. The
 * share falls from 1 to its target on a cubic schedule; an entry that was pruned may come back when its sensitivity rises.
 *
 * [choice] The schedule begins after a tenth of the run and ends at eight tenths. Bit operations are counted as for whole factors:
 * scattered zeros spare none.
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { sizeOf } from "../tensor/host_tensor.ts";
import { lowRankAdapter, type LowRankOptions, lowRankOptions } from "./low_rank.ts";
import type { Method } from "./method.ts";

export interface RoseloraOptions extends LowRankOptions {
  /** The share of each row of A and of each column of B that ends as zero. */
  readonly sparsity: number;
  /** How much of the running mean each step keeps. */
  readonly beta: number;
  /** Where in the run, from 0 to 1, pruning begins, and where it has reached its target. */
  readonly begin: number;
  readonly end: number;
}

const options = z.strictObject({
  ...lowRankOptions,
  sparsity: z.number().min(0).lt(1).default(0.8),
  beta: z.number().min(0).lt(1).default(0.8),
  begin: z.number().min(0).max(1).default(0.1),
  end: z.number().min(0).max(1).default(0.8),
}).refine(({ begin, end }) => begin <= end, {
  path: ["end"],
  error: ({ input }) => {
    const { begin, end } = input as RoseloraOptions;
    return `"${end}" comes before pruning begins at "${begin}"`;
  },
});

/** The share of entries kept after a step. @param progress through the run, from 0 to 1 */
export function keptShare(progress: number, { sparsity, begin, end }: RoseloraOptions): number {
  if (progress < begin) return 1;
  if (progress >= end) return 1 - sparsity;
  const left = (end - progress) / (end - begin);
  return 1 - sparsity + sparsity * left * left * left;
}

/**
 * Zeroes what matters least in each line of a matrix; of equals, the first stays.
 * @param lines the indices of each line's entries
 * @param share of a line that stays, at least one entry
 */
export function prune(
  values: Float32Array,
  sensitivity: Float32Array,
  lines: readonly (readonly number[])[],
  share: number,
): Float32Array {
  const pruned = values.slice();
  for (const line of lines) {
    const ranked = line.toSorted((a, b) => sensitivity[b]! - sensitivity[a]! || a - b);
    for (const i of ranked.slice(Math.max(1, Math.round(line.length * share)))) pruned[i] = 0;
  }
  return pruned;
}

/** Rows of A, columns of B. */
function linesOf(name: string, [rows, columns]: readonly [number, number]): number[][] {
  return name.endsWith("lora_A.weight")
    ? Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, i) => row * columns + i))
    : Array.from({ length: columns }, (_, column) => Array.from({ length: rows }, (_, i) => i * columns + column));
}

const sensitivityOf = (name: string) => `${name}.sensitivity`;

export const roselora: Method<RoseloraOptions> = {
  name: "roselora",
  label: "RoseLoRA",
  title: "low-rank adapters with sparse rows and columns",
  reference: "Wang et al. 2024, arXiv 2406.10777",
  options,
  attach(config, options) {
    const adapter = lowRankAdapter(config, options, { rank: options.rank }), { beta } = options;
    const factors = Object.entries(adapter.parameters).map(([name, { shape }]) => ({
      name,
      size: sizeOf(shape),
      shape,
      lines: linesOf(name, shape as [number, number]),
    }));
    return {
      ...adapter,
      state: Object.fromEntries(factors.map(({ name, shape }) => [sensitivityOf(name), shape])),
      track: ({ parameter, gradient, state }) => {
        // All factors at once: each is small, and there are many of them.
        const flat = (of: (name: string) => tf.Tensor) =>
          tf.concat(factors.map(({ name }) => tf.reshape(of(name), [-1])));
        const now = tf.abs(tf.mul(flat(parameter), flat(gradient)));
        const before = flat((name) => state(sensitivityOf(name)));
        const mean = tf.split(tf.add(tf.mul(before, beta), tf.mul(now, 1 - beta)), factors.map(({ size }) => size));
        return Object.fromEntries(
          factors.map(({ name, shape }, i) => [sensitivityOf(name), tf.reshape(mean[i]!, shape.slice())]),
        );
      },
      // Until then more entries are left than the method promises.
      settles: (total) => Math.ceil(options.end * total),
      control: (total) => (step, registers) => {
        const share = keptShare(step / total, options);
        if (share === 1) return;
        registers.write(Object.fromEntries(factors.map(({ name, lines }) => {
          return [name, prune(registers.read(name), registers.read(sensitivityOf(name)), lines, share)];
        })));
      },
      save: (tensors) => {
        const saved = adapter.save(tensors), { sparsity } = options;
        return { ...saved, config: { ...saved.config, sparsity } };
      },
    };
  },
};
