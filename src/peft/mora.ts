/**
 * MoRA: a square matrix M beside each frozen projection, as many numbers as LoRA's two factors in a product of higher rank
 * (Jiang et al. 2024, arXiv 2405.12130). This is the variant with rotation (section 4, eq. 9): compressing cuts the input into
 * segments as wide as M and turns segment i by the angles i theta_j of rotary embeddings, theta_j = 10000^(-2 j / width); M
 * meets every segment; decompressing joins what it makes of them. Neither of the two has anything to train.
 *
 * An input that M's width does not divide is filled up with its own beginning, an output that is still too short repeats.
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { exactLog } from "../random/stream.ts";
import { exactCosSin, exactExp } from "../tensor/exact.ts";
import type { HostTensor } from "../tensor/host_tensor.ts";
import { addScaled, type Matrix } from "../tensor/matrix.ts";
import { beside, throughAll } from "./beside.ts";
import {
  adaptedModules,
  fromPeft,
  fullPrecision,
  type Method,
  type Parameter,
  TARGET_NAMES,
  toPeft,
} from "./method.ts";

type Tensor = tf.Tensor;

const options = z.strictObject({
  /** The rank of the LoRA that has as many numbers. */
  rank: z.int().min(1).default(8),
  target: z.enum(TARGET_NAMES).default("qkv"),
});
export type MoraOptions = z.infer<typeof options>;

/** The width of M for a projection: even, so that numbers turn in pairs. */
export function squareWidth(into: number, out: number, rank: number): number {
  // [choice] A segment is never wider than the input or output itself, whatever the rank.
  const width = Math.min(Math.floor(Math.sqrt((into + out) * rank)), into, out);
  return Math.max(2, width - width % 2);
}

/** Cosines and sines of every segment, [segments, width]. Number j turns with number j + width / 2, against each other. */
function rotation(segments: number, width: number) {
  const half = width / 2, cos = new Float32Array(segments * width), sin = new Float32Array(segments * width);
  for (let i = 0; i < segments; i++) {
    for (let j = 0; j < half; j++) {
      const angle = exactCosSin(i * exactExp(-2 * j / width * exactLog(10000))), at = i * width + j;
      cos[at] = cos[at + half] = angle.cos;
      sin[at] = -angle.sin;
      sin[at + half] = angle.sin;
    }
  }
  return { cos, sin };
}

/** @param x [N, in] @returns [N segments, width] */
function compress(x: Tensor, width: number): Tensor {
  const [N, into] = x.shape as [number, number], segments = Math.ceil(into / width), missing = segments * width - into;
  const filled = missing === 0 ? x : tf.concat([x, tf.slice(x, [0, 0], [N, missing])], 1);
  if (segments === 1) return filled; // the first segment does not turn
  const { cos, sin } = rotation(segments, width), half = width / 2;
  const cut = tf.reshape(filled, [N, segments, width]);
  const swapped = tf.concat([tf.slice(cut, [0, 0, half]), tf.slice(cut, [0, 0, 0], [-1, -1, half])], 2);
  const turned = tf.add(
    tf.mul(cut, tf.tensor2d(cos, [segments, width])),
    tf.mul(swapped, tf.tensor2d(sin, [segments, width])),
  );
  return tf.reshape(turned, [N * segments, width]);
}

/** @param y [N segments, width] @returns [N, out] */
function decompress(y: Tensor, batch: number, out: number): Tensor {
  const joined = tf.reshape(y, [batch, -1]), length = joined.shape[1]!, times = Math.ceil(out / length);
  const repeated = times === 1 ? joined : tf.concat(Array.from({ length: times }, () => joined), 1);
  return times * length === out ? repeated : tf.slice(repeated, [0, 0], [batch, out]);
}

/** The update of a whole projection as one matrix. @param M [width, width] @returns [out, in] */
export function squareUpdate(M: HostTensor, into: number, out: number): Matrix {
  const width = M.shape[0]!, segments = Math.ceil(into / width), half = width / 2;
  const { cos, sin } = rotation(segments, width), data = new Float64Array(out * into);
  for (let o = 0; o < out; o++) {
    const row = o % (segments * width), segment = Math.floor(row / width), m = row % width * width;
    for (let j = 0; j < width; j++) {
      const other = (j + half) % width, from = segment * width;
      // Input j reaches number j by the cosine, and the number it turns with by the sine.
      data[o * into + (from + j) % into]! += M.data[m + j]! * cos[from + j]! + M.data[m + other]! * sin[from + other]!;
    }
  }
  return { rows: out, columns: into, data };
}

export const mora: Method<MoraOptions> = {
  name: "mora",
  label: "MoRA",
  title: "square matrices between rotations",
  reference: "Jiang et al. 2024, arXiv 2405.12130",
  options,
  attach: (config, { rank, target }) => {
    const sites = adaptedModules(config, target), nameM = (module: string) => `${module}.mora_M.weight`;
    const widthOf = ({ into, out }: typeof sites[number]) => squareWidth(into, out, rank);
    const parameters = Object.fromEntries(sites.map((site): [string, Parameter] => {
      const width = widthOf(site), initial = { kind: "constant", value: 0 } as const;
      return [nameM(site.module), { shape: [width, width], initial, group: "weights" }];
    }));
    return {
      trainsBackbone: [],
      parameters,
      open: ({ parameter, affine }) => ({
        linear: beside(sites, affine, (mine, x) => {
          // Modules that read the same input are of one shape: the compressed input and one product serve them all.
          const { out } = sites.find(({ module }) => module === mine[0])!, N = x.shape[0]!;
          const square = tf.concat(mine.map((module) => parameter(nameM(module)))); // [G width, width]
          const made = throughAll(compress(x, square.shape[1]!), square, mine.length); // [N segments, width] each
          return (i) => decompress(made[i]!, N, out);
        }),
      }),
      // The update is no product of two narrow matrices.
      observe: () => sites.map(({ layer, matrix }) => ({ layer, matrix, rank: 0, maxRank: 0, bits: {} })),
      costs: () =>
        sites.map((site) => {
          const width = widthOf(site), macsPerToken = Math.ceil(site.into / width) * width * width;
          return fullPrecision(`${site.layer}/${site.matrix} M`, macsPerToken);
        }),
      merge: (backbone, tensors) =>
        Object.fromEntries(sites.map(({ module, into, out }) => {
          const name = `${module}.weight`;
          return [name, addScaled(backbone[name]!, 1, squareUpdate(tensors[nameM(module)]!, into, out))];
        })),
      save: (tensors) => ({
        config: { peft_type: "MORA", task_type: "SEQ_CLS", r: rank, target },
        tensors: toPeft(tensors),
      }),
      restore: ({ tensors }) => fromPeft(tensors),
    };
  },
};
