/**
 * Adapters that read means of neighbouring inputs and write to neighbouring outputs alike, over group-wise quantized weights.
 *
 * Where a mean spans just the inputs of a quantization group, the update is one number for all weights of the group: added to
 * the group's zero point, it leaves every code and every step as it is, and the merged model is as quantized as before.
 *
 * After Shen et al. 2025 (TACL 13, "Accurate and Efficient Fine-Tuning of Quantized Large Language Models Through Optimal Balance
 * in Adaptation"; Q-BLoRA and QA-BLoRA there, Q-BaRA and QA-HiRA in the first version). We know the abstract and the authors'
 * repository (github xiaocaigou/qbaraqahira), which pools by means, expands by repetition and merges so. Learned from neither, and
 * so our choice: minimum-to-maximum quantization with a zero point in full precision. The bit width that sites report is that of
 * the codes. Beside them a group of 8 holds 8 bits a weight for its step and zero point, a group of 32 two.
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import type { DebertaConfig } from "../deberta/config.ts";
import { InputError } from "../errors.ts";
import { dequantizeGroups, quantizeGroups, roundToGroups } from "../quantization/grouped.ts";
import type { HostTensors } from "../tensor/host_tensor.ts";
import { beside } from "./beside.ts";
import {
  type AdaptedModule,
  adaptedModules,
  type Adapter,
  fromPeft,
  fullPrecision,
  type Parameter,
  type Target,
  TARGET_NAMES,
  toPeft,
} from "./method.ts";
import { overQuantized } from "./quantized.ts";

type Tensor = tf.Tensor;

export interface PooledOptions {
  readonly target: Target;
  readonly bits: number;
  /** Weights that share a step and a zero point, and inputs that share a mean. */
  readonly groupSize: number;
  /** Outputs that share an update. */
  readonly expand: number;
}

/** The options as a schema's fields. */
export const pooledOptions = {
  target: z.enum(TARGET_NAMES).default("qkv"),
  bits: z.int().min(1).max(8).default(4),
  // The ends of a group are exact, so that groups of one or two would not be quantized at all.
  groupSize: z.int().min(3).default(8),
  expand: z.int().min(1),
};

/** What stands between pooled inputs and outputs. Axes: P = in / groupSize, Q = out / expand. */
export interface Core {
  parameters(site: AdaptedModule, P: number, Q: number): Record<string, Parameter>;
  /** @param x [N, P] @returns [N, Q] for each module */
  project(modules: readonly string[], x: Tensor, parameter: (name: string) => Tensor): Tensor[];
  /** The same as a matrix: its element at a row of Q and a column of P. */
  element(site: AdaptedModule, tensors: HostTensors): (row: number, column: number) => number;
  macs(site: AdaptedModule, P: number, Q: number): number;
}

/** The mean of every `size` neighbours. @param x [N, in] @returns [N, in / size] */
function pool(x: Tensor, size: number): Tensor {
  return tf.mean(tf.reshape(x, [x.shape[0]!, -1, size]), -1);
}

/** h + y, each number of y added to neighbours of h. @param h [N, out] @param y [N, Q] @returns [N, out] */
function addExpanded(h: Tensor, y: Tensor): Tensor {
  const [N, Q] = y.shape as [number, number];
  return tf.reshape(tf.add(tf.reshape(h, [N, Q, -1]), tf.reshape(y, [N, Q, 1])), h.shape);
}

/**
 * Merging rounds the quantized backbone once more, which must change nothing: rounding to groups keeps what it has rounded.
 * @throws InputError if a matrix has no whole number of groups
 */
export function pooledAdapter(
  config: DebertaConfig,
  method: string,
  options: PooledOptions,
  core: Core,
): Adapter {
  const { target, bits, groupSize, expand } = options;
  const sites = adaptedModules(config, target);
  const sizes = ({ into, out }: AdaptedModule) => [into / groupSize, out / expand] as const;
  for (const { matrix, into, out } of sites) {
    for (const [option, value, size] of [["groupSize", groupSize, into], ["expand", expand, out]] as const) {
      if (size % value === 0) continue;
      throw new InputError(
        `Method "${method}" cannot pool the ${size} sides of ${matrix} by ${option} "${value}", expected a divisor`,
      );
    }
  }
  const adapter: Adapter = {
    trainsBackbone: [],
    parameters: Object.assign({}, ...sites.map((site) => core.parameters(site, ...sizes(site)))),
    open: ({ parameter, affine }) => ({
      linear: beside(sites, affine, (mine, x) => {
        const updates = core.project(mine, pool(x, groupSize), parameter);
        return (i) => updates[i]!;
      }, addExpanded),
    }),
    // What the products of W0, A and B would cost for a rank is not what these cost: `costs` says it instead.
    observe: () => sites.map(({ layer, matrix }) => ({ layer, matrix, rank: 0, maxRank: 0, bits: {} })),
    costs: () =>
      sites.map((site) => fullPrecision(`${site.layer}/${site.matrix} ${method}`, core.macs(site, ...sizes(site)))),
    merge: (backbone, tensors) =>
      Object.fromEntries(sites.map((site) => {
        const name = `${site.module}.weight`, quantized = quantizeGroups(backbone[name]!, bits, groupSize);
        const element = core.element(site, tensors), [P] = sizes(site);
        // A mean gives each of its inputs its share of the element.
        const low = quantized.low.map((zero, group) =>
          zero + element(Math.floor(Math.floor(group / P) / expand), group % P) / groupSize
        );
        return [name, dequantizeGroups({ ...quantized, low })];
      })),
    save: (tensors) => ({
      config: { peft_type: method.toUpperCase().replaceAll("-", "_"), task_type: "SEQ_CLS", ...options },
      tensors: toPeft(tensors),
    }),
    restore: ({ tensors }) => fromPeft(tensors),
  };
  return overQuantized(adapter, { config, target, bits, round: (W) => roundToGroups(W, bits, groupSize) });
}
