/** What LoRA and its relatives share: factors A and B beside frozen projections, trained, merged and kept as PEFT does. */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import type { DebertaConfig } from "../deberta/config.ts";
import type { Noise } from "../engines/engine.ts";
import { addScaled, matrixOf, product } from "../tensor/matrix.ts";
import { beside, throughAll } from "./beside.ts";
import {
  adaptedModules,
  type Adapter,
  fromPeft,
  type Parameter,
  type Target,
  TARGET_NAMES,
  targetModules,
  toPeft,
} from "./method.ts";

type Tensor = tf.Tensor;

export interface LowRankOptions {
  readonly rank: number;
  readonly alpha: number;
  readonly target: Target;
}

/** The options as a schema's fields. */
export const lowRankOptions = {
  rank: z.int().min(1).default(8),
  alpha: z.number().positive().default(16),
  target: z.enum(TARGET_NAMES).default("qkv"),
};

/** Where a module's factors are kept: A [r, in], B [out, r]. */
export const nameA = (module: string): string => `${module}.lora_A.weight`;
export const nameB = (module: string): string => `${module}.lora_B.weight`;

/** How a relative of LoRA uses the factors. */
export interface Use {
  /** Rows of A and columns of B that count after training: the first ones. */
  readonly rank: number;
  /** What multiplies the rows of A in a training step, [rank, 1]; alpha / rank if not given. Called once per step. */
  trainingScale?(noise: Noise): Tensor;
}

/**
 * W0 + scale B A beside every projection of a preset.
 *
 * @param options rank and alpha of A and B as they train
 * @param use how many ranks count after training, and with what scale each of them trains
 */
export function lowRankAdapter(config: DebertaConfig, { rank, alpha, target }: LowRankOptions, use: Use): Adapter {
  const sites = adaptedModules(config, target);
  const parameters: Record<string, Parameter> = {};
  for (const { module, into, out } of sites) {
    // Kaiming-uniform with a = sqrt(5), as torch's Linear starts and PEFT therefore does.
    const initial = { kind: "uniform", bound: 1 / Math.sqrt(into) } as const;
    parameters[nameA(module)] = { shape: [rank, into], initial, group: "weights" };
    parameters[nameB(module)] = { shape: [out, rank], initial: { kind: "constant", value: 0 }, group: "weights" };
  }
  return {
    trainsBackbone: [],
    parameters,
    open: ({ mode, noise, parameter, affine }) => {
      const live = mode === "train" ? rank : use.rank;
      const scale = (mode === "train" && use.trainingScale?.(noise)) || alpha / live;
      const first = (factor: Tensor, size: [number, number]) => live === rank ? factor : tf.slice(factor, [0, 0], size);
      const A = (module: string) => first(parameter(nameA(module)), [live, -1]); // [r, in]
      const B = (module: string) => first(parameter(nameB(module)), [-1, live]); // [out, r]
      return {
        linear: beside(sites, affine, (mine, x) => {
          // The scale goes to A, the smallest of the matrices on the way: a number to all at once, for the product to take along.
          const rows = tf.mul(
            tf.concat(mine.map(A)),
            typeof scale === "number" ? scale : tf.concat(mine.map(() => scale)),
          );
          const low = throughAll(x, rows, mine.length); // [N, r] each
          return (i) => tf.matMul(low[i]!, B(mine[i]!), false, true); // [N, out]
        }),
      };
    },
    observe: () => sites.map(({ layer, matrix }) => ({ layer, matrix, rank: use.rank, maxRank: rank, bits: {} })),
    merge: (backbone, tensors) =>
      Object.fromEntries(sites.map(({ module }) => {
        const [B, A] = [nameB, nameA].map((name) => matrixOf(tensors[name(module)]!)), name = `${module}.weight`;
        return [name, addScaled(backbone[name]!, alpha / use.rank, product(B!, A!, use.rank))];
      })),
    save: (tensors) => ({
      config: {
        peft_type: "LORA",
        task_type: "SEQ_CLS",
        r: rank,
        lora_alpha: alpha,
        lora_dropout: 0,
        bias: "none",
        target_modules: targetModules(sites),
      },
      tensors: toPeft(tensors),
    }),
    restore: ({ tensors }) => fromPeft(tensors),
  };
}
