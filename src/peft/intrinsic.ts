/**
 * Training in a random subspace: the update of all adapted matrices together, D numbers, is P theta, a fixed random projection
 * of d trained ones (Aghajanyan et al. 2020, arXiv 2012.13255, eq. 1; Li et al. 2018, arXiv 1804.08838).
 *
 * [choice] P is sparse, as count sketches are (Charikar et al. 2002): number i of the update is plus or minus theta[i mod d],
 * with a random sign. The columns of P are orthogonal and of equal length (but for one number where d does not divide D), as
 * those of the paper's Fastfood transform are nearly; and a change of theta is as large in every weight, so that learning
 * rates mean what they mean in full fine-tuning.
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { InputError } from "../errors.ts";
import { Stream } from "../random/stream.ts";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import { addScaled } from "../tensor/matrix.ts";
import { adaptedModules, fromPeft, type Method, TARGET_NAMES, toPeft } from "./method.ts";

const options = z.strictObject({
  /** d, the trained numbers. */
  dimension: z.int().min(1).default(256),
  target: z.enum(TARGET_NAMES).default("qkv"),
});
export type IntrinsicOptions = z.infer<typeof options>;

const THETA = "intrinsic.theta", SIGNS = "intrinsic.signs";

/** Random signs of D numbers, and zeros after them: the same in every run, so that theta alone is the trained adapter. */
function drawSigns(shape: readonly [number, number], size: number): HostTensor {
  const stream = new Stream(0, "intrinsic");
  return float32(
    shape,
    Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => i >= size ? 0 : stream.chance(0.5) ? 1 : -1),
  );
}

export const intrinsic: Method<IntrinsicOptions> = {
  name: "intrinsic",
  label: "Intrinsic (DID)",
  title: "a random subspace of all updates",
  reference: "Aghajanyan et al. 2020, arXiv 2012.13255",
  options,
  attach: (config, { dimension, target }) => {
    const sites = adaptedModules(config, target), sizes = sites.map(({ into, out }) => into * out);
    const size = sizes.reduce((a, b) => a + b), rows = Math.ceil(size / dimension);
    if (dimension > size) {
      throw new InputError(
        `Options of method "intrinsic": dimension: "${dimension}" is more than the adapted matrices have, expected at most ${size}`,
      );
    }
    return {
      trainsBackbone: [],
      parameters: { [THETA]: { shape: [dimension], initial: { kind: "constant", value: 0 }, group: "weights" } },
      constants: { [SIGNS]: [rows, dimension] },
      prepare: () => ({ constants: { [SIGNS]: drawSigns([rows, dimension], size) } }),
      open: ({ weight, parameter }) => {
        const update = tf.reshape(tf.mul(parameter(SIGNS), parameter(THETA)), [rows * dimension]); // P theta
        const parts = tf.split(tf.slice(update, 0, size), sizes);
        const weights = new Map(sites.map(({ module, into, out }, i) => {
          return [module, tf.add(weight(`${module}.weight`), tf.reshape(parts[i]!, [out, into]))];
        }));
        return {
          linear: (modules, x) => {
            if (!modules.some((module) => weights.has(module))) return undefined;
            return modules.map((module) => {
              const W = weights.get(module) ?? weight(`${module}.weight`);
              return tf.add(tf.matMul(x, W, false, true), weight(`${module}.bias`));
            });
          },
        };
      },
      // The update is no product of two narrow matrices.
      observe: () => sites.map(({ layer, matrix }) => ({ layer, matrix, rank: 0, maxRank: 0, bits: {} })),
      merge: (backbone, tensors) => {
        const theta = tensors[THETA]!.data,
          update = tensors[SIGNS]!.data.map((sign, i) => sign * theta[i % dimension]!);
        let from = 0;
        return Object.fromEntries(sites.map(({ module }, i) => {
          const name = `${module}.weight`, part = update.slice(from, from += sizes[i]!);
          return [name, addScaled(backbone[name]!, 1, { data: part })];
        }));
      },
      save: (tensors) => ({
        config: { peft_type: "INTRINSIC", task_type: "SEQ_CLS", dimension, target },
        tensors: toPeft(tensors),
      }),
      restore: ({ tensors }) => fromPeft(tensors),
    };
  },
};
