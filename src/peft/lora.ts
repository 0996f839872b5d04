/** LoRA: W0 + (alpha / r) B A beside frozen projections (Hu et al. 2022, arXiv 2106.09685, eq. 3). */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import { adaptedModules, fromPeft, type Method, type Parameter, TARGET_NAMES, toPeft } from "./method.ts";

const options = z.strictObject({
  rank: z.int().min(1).default(8),
  alpha: z.number().positive().default(16),
  target: z.enum(TARGET_NAMES).default("qkv"),
});
export type LoraOptions = z.infer<typeof options>;

/** A module's name within its layer. PEFT matches it from the end, so `dense` alone would be the pooler's, too. */
const suffixOf = (module: string): string => module.replace(/^.*\.layer\.\d+\./, "");

/** W + scale B A, summed in double precision. @param B [out, r] @param A [r, in] @returns [out, in] */
function addProduct(W: HostTensor, scale: number, B: HostTensor, A: HostTensor): HostTensor {
  const [rank, into] = A.shape as [number, number];
  return float32(
    W.shape,
    Float32Array.from(W.data, (w, i) => {
      const row = Math.floor(i / into), column = i % into;
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += B.data[row * rank + k]! * A.data[k * into + column]!;
      return w + scale * sum;
    }),
  );
}

export const lora: Method<LoraOptions> = {
  name: "lora",
  title: "low-rank adapters",
  reference: "Hu et al. 2022, arXiv 2106.09685",
  options,
  attach: (config, { rank, alpha, target }) => {
    const sites = adaptedModules(config, target), adapted = new Set(sites.map(({ module }) => module));
    const parameters: Record<string, Parameter> = {};
    for (const { module, into, out } of sites) {
      // Kaiming-uniform with a = sqrt(5), as torch's Linear starts and PEFT therefore does.
      parameters[`${module}.lora_A.weight`] = {
        shape: [rank, into],
        initial: { kind: "uniform", bound: 1 / Math.sqrt(into) },
        group: "weights",
      };
      parameters[`${module}.lora_B.weight`] = {
        shape: [out, rank],
        initial: { kind: "constant", value: 0 },
        group: "weights",
      };
    }
    return {
      trainsBackbone: [],
      parameters,
      open: ({ parameter, affine }) => ({
        linear: (modules, x) => {
          const mine = modules.filter((module) => adapted.has(module));
          if (mine.length === 0) return undefined;
          // One product for all that read the same input: A is far too narrow to keep a processor busy.
          const down = tf.matMul(x, tf.concat(mine.map((module) => parameter(`${module}.lora_A.weight`))), false, true);
          const parts = mine.length === 1 ? [down] : tf.split(down, mine.length, 1); // [N, r] each
          return modules.map((module) => {
            const h = affine(module, x), part = parts[mine.indexOf(module)];
            if (!part) return h;
            const update = tf.matMul(part, parameter(`${module}.lora_B.weight`), false, true); // [N, out]
            return tf.add(h, tf.mul(update, alpha / rank));
          });
        },
      }),
      observe: () => sites.map(({ layer, matrix }) => ({ layer, matrix, rank, maxRank: rank, bits: {} })),
      merge: (backbone, tensors) =>
        Object.fromEntries(sites.map(({ module }) => {
          const [A, B] = [tensors[`${module}.lora_A.weight`]!, tensors[`${module}.lora_B.weight`]!];
          return [`${module}.weight`, addProduct(backbone[`${module}.weight`]!, alpha / rank, B, A)];
        })),
      save: (tensors) => ({
        config: {
          peft_type: "LORA",
          task_type: "SEQ_CLS",
          r: rank,
          lora_alpha: alpha,
          lora_dropout: 0,
          bias: "none",
          target_modules: [...new Set(sites.map(({ module }) => suffixOf(module)))],
        },
        tensors: toPeft(tensors),
      }),
      restore: ({ tensors }) => fromPeft(tensors),
    };
  },
};
