/**
 * LQ-LoRA: each matrix as quantized plus low-rank, W0 = Q + L1 L2, of which only the low-rank part trains
 * (Guo et al. 2023, arXiv 2311.12023).
 *
 * The parts are found in turns (algorithm 1): L1 L2 is the truncated SVD of W0 - Q, then Q is W0 - L1 L2 in NormalFloat, from Q = 0
 * until the error grows. How many bits each matrix gets, and how many weights share a constant, is chosen for all matrices at once
 * under a budget of bits a weight.
 *
 * [choice] The errors between which the budget decides are those of the first turn, in which every format shares one SVD. Errors
 * are plain: the paper's variant that weighs them by Fisher information is not done.
 */
import { z } from "zod";
import { allocateBits } from "../quantization/bit_allocation.ts";
import { type BlockFormat, roundToBlocks, storedBits, type Width, WIDTHS } from "../quantization/normal_float.ts";
import { type HostTensor, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { type LowRankOptions, lowRankOptions } from "./low_rank.ts";
import { adaptedModules, type Method } from "./method.ts";
import {
  balanced,
  difference,
  distance,
  factorsOf,
  leading,
  less,
  type OuterProducts,
  preparedLowRank,
} from "./prepared_factors.ts";

export interface LqLoraOptions extends LowRankOptions {
  /** Bits a weight on average, those of the constants included. */
  readonly budget: number;
  /** At most so many turns. */
  readonly turns: number;
}

/** What a matrix can be kept in: the paper's bit widths and block sizes. (Constants of constants are 32 bits for 256, throughout.) */
export const FORMATS: readonly BlockFormat[] = WIDTHS.flatMap((bits) => [16, 32, 64].map((block) => ({ bits, block })));

const options = z.strictObject({
  ...lowRankOptions,
  // Two bits a weight and an eighth of a bit for its constant is the least there is.
  budget: z.number().min(2.13).default(3),
  turns: z.int().min(1).default(5),
});

/** @returns a format for each matrix [out, in], and the leading part that each format starts from */
export function chooseFormats(matrices: readonly HostTensor[], { rank, budget }: LqLoraOptions) {
  const parts = matrices.map((W) => leading(W, rank)), rests = matrices.map((W, i) => less(W, parts[i]!));
  const choices = rests.map((rest) =>
    FORMATS.map((format) => ({
      cost: storedBits(sizeOf(rest.shape), format),
      loss: distance(rest, roundToBlocks(rest, format)),
    }))
  );
  const size = matrices.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return { parts, formats: allocateBits(choices, budget * size).map((index) => FORMATS[index]!) };
}

/**
 * Splits a matrix in turns.
 * @param W [out, in]
 * @param part the leading part of W
 * @returns the quantized part, the low-rank part and the sum of squares that both together miss
 */
export function decompose(W: HostTensor, part: OuterProducts, format: BlockFormat, turns: number) {
  const split = (low: OuterProducts) => {
    const rest = less(W, low), Q = roundToBlocks(rest, format);
    return { Q, low, error: distance(rest, Q) };
  };
  let best = split(part);
  for (let turn = 2; turn <= turns; turn++) {
    const next = split(leading(difference(W, best.Q), part.length));
    if (next.error >= best.error) break;
    best = next;
  }
  return best;
}

export const lqLora: Method<LqLoraOptions> = {
  name: "lq-lora",
  label: "LQ-LoRA",
  title: "quantized plus low-rank weights under a budget of bits",
  reference: "Guo et al. 2023, arXiv 2311.12023",
  options,
  attach(config, options) {
    const adapter = preparedLowRank("lq-lora", config, options), sites = adaptedModules(config, options.target);
    // Known once the weights have been seen, or read from a file.
    let widths: readonly Width[] = [];
    return {
      ...adapter,
      prepare({ backbone }) {
        const matrices = sites.map(({ module }) => backbone[`${module}.weight`]!);
        const { parts, formats } = chooseFormats(matrices, options);
        const quantized: HostTensors = {}, parameters: HostTensors = {};
        sites.forEach(({ module }, i) => {
          const { Q, low } = decompose(matrices[i]!, parts[i]!, formats[i]!, options.turns);
          quantized[`${module}.weight`] = Q;
          Object.assign(parameters, factorsOf(module, balanced(low, options)));
        });
        widths = formats.map(({ bits }) => bits);
        return { backbone: quantized, parameters };
      },
      observe: (parameters) =>
        adapter.observe(parameters).map((site, i) => widths[i] ? { ...site, bits: { W0: widths[i] } } : site),
      save: (tensors) => {
        const saved = adapter.save(tensors), { budget, turns } = options;
        return { ...saved, config: { ...saved.config, peft_type: "LQ_LORA", budget, turns, widths } };
      },
      restore(saved) {
        widths = saved.config.widths as Width[];
        return adapter.restore(saved);
      },
    };
  },
};
