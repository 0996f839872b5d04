/**
 * LoRA-XS: W0 + (alpha / r) B R A, where B = U S and A = V^T are the leading singular triplets of W0 and frozen; only the
 * r x r matrix R trains (Balazy et al. 2024, arXiv 2405.17604).
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { addScaled, matrixOf, product } from "../tensor/matrix.ts";
import { beside, throughAll } from "./beside.ts";
import { type LowRankOptions, lowRankOptions, nameA, nameB } from "./low_rank.ts";
import { adaptedModules, fromPeft, fullPrecision, type Method, type Parameter, toPeft } from "./method.ts";
import { factorsOf, leading } from "./prepared_factors.ts";

/** Almost zero, as in the paper, so that training starts at the backbone. */
const STD = 1e-5;

export const loraXs: Method<LowRankOptions> = {
  name: "lora-xs",
  label: "LoRA-XS",
  title: "a small matrix between frozen singular vectors",
  reference: "Balazy et al. 2024, arXiv 2405.17604",
  options: z.strictObject(lowRankOptions),
  attach: (config, { rank, alpha, target }) => {
    const sites = adaptedModules(config, target);
    const narrowest = Math.min(...sites.flatMap(({ into, out }) => [into, out]));
    if (rank > narrowest) {
      throw new InputError(
        `Options of method "lora-xs": rank: "${rank}" singular vectors cannot be had, expected at most ${narrowest}`,
      );
    }
    const nameR = (module: string) => `${module}.lora_R.weight`;
    const parameters: Record<string, Parameter> = {}, constants: Record<string, readonly number[]> = {};
    for (const { module, into, out } of sites) {
      parameters[nameR(module)] = { shape: [rank, rank], initial: { kind: "normal", std: STD }, group: "weights" };
      constants[nameA(module)] = [rank, into];
      constants[nameB(module)] = [out, rank];
    }
    return {
      trainsBackbone: [],
      parameters,
      constants,
      prepare: ({ backbone }) => {
        const made = sites.map(({ module }) => factorsOf(module, leading(backbone[`${module}.weight`]!, rank)));
        return { constants: Object.assign({}, ...made) };
      },
      open: ({ parameter, affine }) => ({
        linear: beside(sites, affine, (mine, x) => {
          const low = throughAll(x, tf.concat(mine.map((module) => parameter(nameA(module)))), mine.length); // [N, r] each
          return (i) => {
            // The scale goes to R, the smallest of the matrices on the way.
            const middle = tf.matMul(low[i]!, tf.mul(parameter(nameR(mine[i]!)), alpha / rank), false, true);
            return tf.matMul(middle, parameter(nameB(mine[i]!)), false, true); // [N, out]
          };
        }),
      }),
      observe: () => sites.map(({ layer, matrix }) => ({ layer, matrix, rank, maxRank: rank, bits: {} })),
      costs: () => sites.map(({ layer, matrix }) => fullPrecision(`${layer}/${matrix} R`, rank * rank)),
      merge: (backbone, tensors) =>
        Object.fromEntries(sites.map(({ module }) => {
          const [B, R, A] = [nameB, nameR, nameA].map((name) => matrixOf(tensors[name(module)]!));
          const name = `${module}.weight`;
          return [name, addScaled(backbone[name]!, alpha / rank, product(product(B!, R!), A!))];
        })),
      save: (tensors) => ({
        config: { peft_type: "LORA_XS", task_type: "SEQ_CLS", r: rank, lora_alpha: alpha, target },
        tensors: toPeft(tensors),
      }),
      restore: ({ tensors }) => fromPeft(tensors),
    };
  },
};
