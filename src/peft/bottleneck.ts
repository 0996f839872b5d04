/** Bottleneck adapters: y = h + up(gelu(down(h))) after a sublayer, before dropout and the residual sum. */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { gelu } from "../deberta/composites.ts";
import { affine } from "../deberta/encoder.ts";
import type { Matrix } from "../training/record.ts";
import { adaptedModules, fromPeft, fullPrecision, type Method, type Parameter, toPeft } from "./method.ts";

export interface BottleneckOptions {
  /** Width between down and up. */
  readonly bottleneck: number;
}

interface Design extends Pick<Method, "name" | "label" | "title" | "reference"> {
  /** The projections that end the sublayers with an adapter. */
  readonly after: readonly Matrix[];
  /** Width unless said otherwise. */
  readonly bottleneck: number;
}

/** Where a sublayer's adapter keeps its tensors: `...output.dense` has `...output.adapter`. */
const adapterOf = (module: string): string => module.replace(/dense$/, "adapter");

/** A method that puts adapters after some sublayers. */
export function bottleneckMethod({ after, bottleneck, ...about }: Design): Method<BottleneckOptions> {
  return {
    ...about,
    options: z.strictObject({ bottleneck: z.int().min(1).default(bottleneck) }),
    attach: (config, { bottleneck }) => {
      const { hidden } = config, sites = adaptedModules(config, "all6").filter(({ matrix }) => after.includes(matrix));
      const adapted = new Set(sites.map(({ module }) => module));
      const parameters: Record<string, Parameter> = {};
      for (const { module } of sites) {
        const adapter = adapterOf(module), zero = { kind: "constant", value: 0 } as const;
        parameters[`${adapter}.down_proj.weight`] = {
          shape: [bottleneck, hidden],
          initial: { kind: "normal", std: 0.02 },
          group: "weights",
        };
        parameters[`${adapter}.down_proj.bias`] = { shape: [bottleneck], initial: zero, group: "biases" };
        // Zero, so that training starts from just the backbone.
        parameters[`${adapter}.up_proj.weight`] = { shape: [hidden, bottleneck], initial: zero, group: "weights" };
        parameters[`${adapter}.up_proj.bias`] = { shape: [hidden], initial: zero, group: "biases" };
      }
      return {
        trainsBackbone: [],
        parameters,
        open: ({ parameter }) => {
          const project = (module: string, x: tf.Tensor) => affine({ weight: parameter }, module, x);
          return {
            afterSublayer: (module, h) => {
              if (!adapted.has(module)) return h;
              const narrow = gelu(project(`${adapterOf(module)}.down_proj`, h)); // [N, bottleneck]
              return tf.add(h, project(`${adapterOf(module)}.up_proj`, narrow)); // [N, D]
            },
          };
        },
        observe: () => [],
        costs: () =>
          sites.flatMap(({ layer, matrix }) =>
            ["down", "up"].map((part) => fullPrecision(`${layer}/${matrix}-adapter-${part}`, hidden * bottleneck))
          ),
        save: (tensors) => ({
          config: { peft_type: about.name.toUpperCase(), task_type: "SEQ_CLS", bottleneck, non_linearity: "gelu" },
          tensors: toPeft(tensors),
        }),
        restore: ({ tensors }) => fromPeft(tensors),
      };
    },
  };
}
