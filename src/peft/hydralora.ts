/**
 * HydraLoRA: one A, several B, and a router that mixes them for each token (Tian et al. 2024, arXiv 2404.19245, eq. 4 to 6).
 *
 * h = x W0^T + b + alpha / r sum_i w_i(x) x A^T B_i^T with w(x) = softmax(x R^T). The sum over heads is one product: the low-rank
 * activations, once for each head and weighted by its share, times all B_i side by side. As w depends on x, nothing can be merged.
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { beside, throughAll } from "./beside.ts";
import { type LowRankOptions, lowRankOptions, nameA, nameB } from "./low_rank.ts";
import { adaptedModules, fromPeft, fullPrecision, type Method, type Parameter, toPeft } from "./method.ts";

type Tensor = tf.Tensor;

export interface HydraloraOptions extends LowRankOptions {
  /** How many B. */
  readonly heads: number;
}

const options = z.strictObject({ ...lowRankOptions, heads: z.int().min(1).default(3) });

/** The router [heads, in]; A and B are LoRA's, the heads' B side by side, [out, heads r]. */
const nameR = (module: string) => `${module}.lora_route.weight`;

/**
 * The low-rank activations of every head, weighted.
 * @param low [N, r]
 * @param shares [N, heads]
 * @returns [N, heads r]
 */
function spread(low: Tensor, shares: Tensor): Tensor {
  const [N, r] = low.shape as [number, number], heads = shares.shape[1]!;
  return tf.reshape(tf.mul(tf.reshape(shares, [N, heads, 1]), tf.reshape(low, [N, 1, r])), [N, heads * r]);
}

export const hydralora: Method<HydraloraOptions> = {
  name: "hydralora",
  label: "HydraLoRA",
  title: "low-rank adapters with several heads and a router",
  reference: "Tian et al. 2024, arXiv 2404.19245",
  options,
  attach: (config, options) => {
    const { rank, alpha, target, heads } = options, sites = adaptedModules(config, target);
    const parameters: Record<string, Parameter> = {};
    for (const { module, into, out } of sites) {
      const initial = { kind: "uniform", bound: 1 / Math.sqrt(into) } as const;
      parameters[nameA(module)] = { shape: [rank, into], initial, group: "weights" };
      parameters[nameR(module)] = { shape: [heads, into], initial, group: "weights" };
      parameters[nameB(module)] = {
        shape: [out, heads * rank],
        initial: { kind: "constant", value: 0 },
        group: "weights",
      };
    }
    return {
      trainsBackbone: [],
      parameters,
      open: ({ parameter, affine }) => ({
        linear: beside(sites, affine, (mine, x) => {
          // One product for what all modules and their routers read of the same input.
          const narrow = mine.flatMap((m) => [tf.mul(parameter(nameA(m)), alpha / rank), parameter(nameR(m))]);
          const read = throughAll(x, tf.concat(narrow), mine.flatMap(() => [rank, heads]));
          return (i) => {
            const mixed = spread(read[2 * i]!, tf.softmax(read[2 * i + 1]!));
            return tf.matMul(mixed, parameter(nameB(mine[i]!)), false, true);
          };
        }),
      }),
      observe: () => sites.map(({ layer, matrix }) => ({ layer, matrix, rank, maxRank: rank, bits: {} })),
      costs: () =>
        sites.flatMap(({ layer, matrix, into, out }) => [
          fullPrecision(`${layer}/${matrix} router`, heads * into),
          fullPrecision(`${layer}/${matrix} shares`, heads * rank),
          ...(heads > 1 ? [fullPrecision(`${layer}/${matrix} other heads`, (heads - 1) * rank * out)] : []),
        ]),
      save: (tensors) => ({
        config: { peft_type: "HYDRALORA", task_type: "SEQ_CLS", r: rank, lora_alpha: alpha, lora_nums: heads, target },
        tensors: toPeft(tensors),
      }),
      restore: ({ tensors }) => fromPeft(tensors),
    };
  },
};
