/**
 * LoRA-XS: W0 + (alpha / r) B R A, where B = U S and A = V^T are the leading singular triplets of W0 and frozen; only the
 * r x r matrix R trains (Balazy et al. 2024, arXiv 2405.17604).
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { float32, type HostTensor, type HostTensors } from "../tensor/host_tensor.ts";
import { addScaled, matrixOf, product } from "../tensor/matrix.ts";
import { truncatedSvd } from "../tensor/svd.ts";
import { beside, throughAll } from "./beside.ts";
import { adaptedModules, fromPeft, type Method, type Parameter, TARGET_NAMES, toPeft } from "./method.ts";

const options = z.strictObject({
  rank: z.int().min(1).default(8),
  alpha: z.number().positive().default(16),
  target: z.enum(TARGET_NAMES).default("qkv"),
});
export type LoraXsOptions = z.infer<typeof options>;

/** Almost zero, as in the paper, so that training starts at the backbone. */
const STD = 1e-5;

/** A = V^T [r, in] and B = U S [out, r] of a weight [out, in]. */
function factorsOf(W: HostTensor, rank: number): { readonly A: HostTensor; readonly B: HostTensor } {
  const [out, into] = W.shape as [number, number], { left, values, right } = truncatedSvd(W, rank);
  const A = new Float32Array(rank * into), B = new Float32Array(out * rank);
  right.forEach((v, k) => A.set(v, k * into));
  left.forEach((u, k) => u.forEach((x, i) => B[i * rank + k] = x * values[k]!));
  return { A: float32([rank, into], A), B: float32([out, rank], B) };
}

export const loraXs: Method<LoraXsOptions> = {
  name: "lora-xs",
  label: "LoRA-XS",
  title: "a small matrix between frozen singular vectors",
  reference: "Balazy et al. 2024, arXiv 2405.17604",
  options,
  attach: (config, { rank, alpha, target }) => {
    const sites = adaptedModules(config, target);
    const narrowest = Math.min(...sites.flatMap(({ into, out }) => [into, out]));
    if (rank > narrowest) {
      throw new InputError(
        `Options of method "lora-xs": rank: "${rank}" singular vectors cannot be had, expected at most ${narrowest}`,
      );
    }
    const nameA = (module: string) => `${module}.lora_A.weight`, nameB = (module: string) => `${module}.lora_B.weight`;
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
        const made: HostTensors = {};
        for (const { module } of sites) {
          const { A, B } = factorsOf(backbone[`${module}.weight`]!, rank);
          made[nameA(module)] = A;
          made[nameB(module)] = B;
        }
        return { constants: made };
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
      costs: () =>
        sites.map(({ layer, matrix }) => ({
          site: `${layer}/${matrix} R`,
          macsPerToken: rank * rank,
          weightBits: 32,
          inputBits: 32,
        })),
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
