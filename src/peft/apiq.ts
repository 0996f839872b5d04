/**
 * ApiQ: LoRA beside quantized weights, started so that the layer's outputs stay what they were (Liao et al. 2024,
 * arXiv 2402.05147).
 *
 * With Q the quantized W0 and X the layer's inputs on calibration data, A and B start where || X (W0 - Q - alpha / r B A)^T || is
 * smallest, so that what quantization loses where no input looks is not made up for. With X^T X = L L^T that is the norm of
 * (W0 - Q - alpha / r B A) L, and the best product of rank r is the truncated SVD of (W0 - Q) L, times L^-1.
 *
 * [choice] The paper descends the gradient of that objective, with clipped quantization ranges as further unknowns and with the
 * inputs that the layers already quantized give; here Q is given (nearest values between the ends of each group), X comes from the
 * backbone as it was, and A and B are the exact optimum for these.
 */
import { z } from "zod";
import { roundToGroups } from "../quantization/grouped.ts";
import { cholesky, solveRow, timesLower } from "../tensor/cholesky.ts";
import { float32, type HostTensor, type HostTensors } from "../tensor/host_tensor.ts";
import { type LowRankOptions, lowRankOptions } from "./low_rank.ts";
import { adaptedModules, type Method } from "./method.ts";
import { balanced, difference, factorsOf, leading, type OuterProducts, preparedLowRank } from "./prepared_factors.ts";
import { overQuantized } from "./quantized.ts";

export interface ApiqOptions extends LowRankOptions {
  readonly bits: number;
  /** Weights of a row that share a step and a zero point. */
  readonly groupSize: number;
}

const options = z.strictObject({
  ...lowRankOptions,
  bits: z.int().min(2).max(8).default(3),
  groupSize: z.int().min(3).default(64),
});

/** What is added to every direction, as a share of the mean one: directions that calibration never saw count a little. */
const DAMPING = 1e-3;

/**
 * The product of a given rank that is nearest to a matrix as inputs see it: R - P with the least || X (R - P)^T ||.
 * @param R [out, in]
 * @param gram X^T X, [in, in]
 */
export function nearestProduct(R: HostTensor, gram: HostTensor, rank: number): OuterProducts {
  const [out, into] = R.shape as [number, number];
  let trace = 0;
  for (let i = 0; i < into; i++) trace += gram.data[i * into + i]!;
  const L = cholesky(gram, DAMPING * trace / into || 1), seen = new Float32Array(out * into);
  for (let i = 0; i < out; i++) seen.set(timesLower(R.data.subarray(i * into, (i + 1) * into), L), i * into);
  return leading(float32(R.shape, seen), rank).map(({ column, row }) => ({ column, row: solveRow(L, row) }));
}

export const apiq: Method<ApiqOptions> = {
  name: "apiq",
  label: "ApiQ",
  title: "low-rank adapters that start by keeping a quantized layer's outputs",
  reference: "Liao et al. 2024, arXiv 2402.05147",
  options,
  attach(config, options) {
    const { target, bits, groupSize } = options, lowRank = preparedLowRank("apiq", config, options);
    const sites = adaptedModules(config, target), adapted = new Set(sites.map(({ module }) => module));
    const round = (W: HostTensor) => roundToGroups(W, bits, groupSize);
    const adapter = overQuantized(lowRank, { config, target, bits, round });
    return {
      ...adapter,
      calibrates: true,
      open(scope) {
        if (scope.mode !== "calibrate") return adapter.open(scope);
        return {
          linear(modules, x) {
            for (const module of modules) if (adapted.has(module)) scope.probeGram(module, scope.withoutPadding(x));
            return undefined;
          },
        };
      },
      prepare(given) {
        const { backbone } = adapter.prepare!(given), parameters: HostTensors = {};
        for (const { module } of sites) {
          const R = difference(given.backbone[`${module}.weight`]!, backbone![`${module}.weight`]!);
          const products = nearestProduct(R, given.seen[module]!, options.rank);
          Object.assign(parameters, factorsOf(module, balanced(products, options)));
        }
        return { backbone: backbone!, parameters };
      },
      save: (tensors) => {
        const saved = adapter.save(tensors);
        return { ...saved, config: { ...saved.config, peft_type: "APIQ", bits, group_size: groupSize } };
      },
    };
  },
};
