/** LoRA: W0 + (alpha / r) B A beside frozen projections (Hu et al. 2022, arXiv 2106.09685, eq. 3). */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { adaptedModules, type Method, type Parameter, peftName, TARGET_NAMES } from "./method.ts";

const options = z.strictObject({
  rank: z.int().min(1).default(8),
  alpha: z.number().positive().default(16),
  target: z.enum(TARGET_NAMES).default("qkv"),
});
export type LoraOptions = z.infer<typeof options>;

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
        linear: (modules, x) =>
          modules.map((module) => {
            const h = affine(module, x);
            if (!adapted.has(module)) return h;
            const down = tf.matMul(x, parameter(`${module}.lora_A.weight`), false, true); // [N, r]
            const update = tf.matMul(down, parameter(`${module}.lora_B.weight`), false, true); // [N, out]
            return tf.add(h, tf.mul(update, alpha / rank));
          }),
      }),
      observe: () => sites.map(({ layer, matrix }) => ({ layer, matrix, rank, maxRank: rank, bits: {} })),
      save: (tensors) => ({
        config: {
          peft_type: "LORA",
          task_type: "SEQ_CLS",
          r: rank,
          lora_alpha: alpha,
          lora_dropout: 0,
          bias: "none",
          target_modules: [...new Set(sites.map(({ module }) => module.split(".").slice(5).join(".")))],
        },
        tensors: Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [peftName(name), tensor])),
      }),
    };
  },
};
