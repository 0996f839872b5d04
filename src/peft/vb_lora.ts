/**
 * VB-LoRA: W0 + B A whose factors are cut into sub-vectors, each of them a mixture of a few vectors of one bank that the whole
 * model shares (Li et al. 2024, arXiv 2405.15179).
 *
 * A sub-vector has a logit for every vector of the bank; it is the softmax-weighted sum of the `topk` vectors whose logits are
 * largest. Bank and logits train, by gradients of the weights that are in the mixture.
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { InputError } from "../errors.ts";
import type { HostTensor, HostTensors } from "../tensor/host_tensor.ts";
import { exactExp } from "../tensor/exact.ts";
import { addScaled, type Matrix, product } from "../tensor/matrix.ts";
import { beside, throughAll } from "./beside.ts";
import { families, type Family, partsOf, restoreFamilies, saveFamilies } from "./family.ts";
import { adaptedModules, type Method, type Parameter, peftName, TARGET_NAMES, targetModules } from "./method.ts";

type Tensor = tf.Tensor;

const options = z.strictObject({
  rank: z.int().min(1).default(4),
  target: z.enum(TARGET_NAMES).default("qkv"),
  /** Vectors of the bank. */
  vectors: z.int().min(2).default(32),
  /** Numbers of a bank vector; every adapted width must be a multiple of it. */
  vectorLength: z.int().min(1).default(4),
  /** Vectors in a mixture: from two on, for the weight of a single one is 1 whatever its logit. */
  topk: z.int().min(2).default(2),
}).refine(({ topk, vectors }) => topk <= vectors, { path: ["topk"], error: "Too big: expected at most `vectors`" });
export type VbLoraOptions = z.infer<typeof options>;

const BANK = "vblora_vector_bank";
const nameA = ({ name }: Family) => `${name}.vblora_logits_A`, nameB = ({ name }: Family) => `${name}.vblora_logits_B`;

/** 0 for the largest logits of each row, and so little for the others that a softmax gives them nothing. */
function banOthers(logits: Tensor, topk: number): Tensor {
  const zero = tf.zeros(logits.shape), never = tf.fill(logits.shape, -1e9);
  let bans = never, rest = logits;
  for (let k = 0; k < topk; k++) {
    const largest = tf.equal(rest, tf.max(rest, -1, true));
    bans = tf.where(largest, zero, bans);
    rest = tf.where(largest, never, rest);
  }
  return bans;
}

/**
 * Mixtures of the bank's vectors. No gradient goes through the choice of the `topk` largest logits. (Vectors of exactly equal
 * logits are chosen together.)
 * @param logits [G, vectors]
 * @param bank [vectors, b]
 * @returns [G, b]
 */
export function mix(logits: Tensor, bank: Tensor, topk: number): Tensor {
  const choose = tf.customGrad((x) => ({
    value: banOthers(x as Tensor, topk),
    gradFunc: () => tf.zeros(logits.shape),
  }));
  return tf.matMul(tf.softmax(tf.add(logits, choose(logits))), bank);
}

/** The same on the host, in double precision. @returns one vector after the other */
export function hostMix(logits: HostTensor, bank: HostTensor, topk: number): number[] {
  const [vectors, length] = bank.shape as [number, number], made: number[] = [];
  for (let at = 0; at < logits.data.length; at += vectors) {
    const row = Array.from(logits.data.subarray(at, at + vectors));
    const order = row.map((_, i) => i).sort((a, b) => row[b]! - row[a]! || a - b).slice(0, topk);
    const weights = order.map((i) => exactExp(row[i]! - row[order[0]!]!)), total = weights.reduce((a, b) => a + b);
    for (let j = 0; j < length; j++) {
      made.push(order.reduce((sum, i, k) => sum + weights[k]! / total * bank.data[i * length + j]!, 0));
    }
  }
  return made;
}

/** The factors of all modules in one run. */
function openFactors(all: readonly Family[], { rank, topk }: VbLoraOptions, parameter: (name: string) => Tensor) {
  const logits = all.flatMap((family) => [parameter(nameA(family)), parameter(nameB(family))]);
  const vectors = logits[0]!.shape.at(-1)!, flat = logits.map((x) => tf.reshape(x, [-1, vectors]));
  // One mixing for the whole model: its sub-vectors are many, and each is small.
  const mixed = tf.split(mix(tf.concat(flat), parameter(BANK), topk), flat.map(({ shape }) => shape[0]!));
  const factors = new Map<string, { readonly A: Tensor; readonly B: Tensor }>();
  all.forEach(({ rows, into, out, sites }, f) => {
    const A = partsOf(tf.reshape(mixed[2 * f]!, [rows * rank, into]), rows);
    const subvectors = tf.reshape(mixed[2 * f + 1]!, [rows, -1, rank, mixed[0]!.shape[1]!]); // [rows, out / b, r, b]
    const B = partsOf(tf.reshape(tf.transpose(subvectors, [0, 1, 3, 2]), [rows * out, rank]), rows);
    sites.forEach(({ module }, row) => factors.set(module, { A: A[row]!, B: B[row]! }));
  });
  return factors;
}

/** B A of each module of a family, on the host. */
function updates(family: Family, { rank, topk }: VbLoraOptions, tensors: HostTensors): Matrix[] {
  const { rows, into, out } = family, bank = tensors[BANK]!, b = bank.shape[1]!;
  const A = hostMix(tensors[nameA(family)]!, bank, topk), B = hostMix(tensors[nameB(family)]!, bank, topk);
  return Array.from({ length: rows }, (_, row) => {
    const left = Array.from({ length: out * rank }, (_, i) => {
      const o = Math.floor(i / rank), r = i % rank;
      return B[row * out * rank + (Math.floor(o / b) * rank + r) * b + o % b]!;
    });
    const right = A.slice(row * rank * into, (row + 1) * rank * into);
    return product({ rows: out, columns: rank, data: left }, { rows: rank, columns: into, data: right });
  });
}

export const vbLora: Method<VbLoraOptions> = {
  name: "vb-lora",
  label: "VB-LoRA",
  title: "low-rank factors mixed from one bank of vectors",
  reference: "Li et al. 2024, arXiv 2405.15179",
  options,
  attach: (config, options) => {
    const { rank, target, vectors, vectorLength: b, topk } = options;
    const all = families(config, target), sites = adaptedModules(config, target);
    for (const width of all.flatMap(({ into, out }) => [into, out])) {
      if (width % b !== 0) {
        throw new InputError(
          `Options of method "vb-lora": vectorLength: "${b}" does not divide the width ${width}, expected a divisor of it`,
        );
      }
    }
    // Bank and logits start as in the paper; logits train with a rate of their own, ten times the bank's there.
    const logits = { initial: { kind: "normal", std: 0.1 }, group: "gates" } as const;
    const parameters: Record<string, Parameter> = {
      [BANK]: { shape: [vectors, b], initial: { kind: "uniform", bound: 0.02 }, group: "weights" },
    };
    for (const family of all) {
      const { rows, into, out } = family;
      parameters[nameA(family)] = { shape: [rows, rank, into / b, vectors], ...logits };
      parameters[nameB(family)] = { shape: [rows, out / b, rank, vectors], ...logits };
    }
    const shapes = Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]));
    return {
      trainsBackbone: [],
      parameters,
      open: ({ parameter, affine }) => {
        const factors = openFactors(all, options, parameter);
        return {
          linear: beside(sites, affine, (mine, x) => {
            const own = mine.map((module) => factors.get(module)!);
            const low = throughAll(x, tf.concat(own.map(({ A }) => A)), own.length); // [N, r] each
            return (i) => tf.matMul(low[i]!, own[i]!.B, false, true); // [N, out]
          }),
        };
      },
      observe: () => sites.map(({ layer, matrix }) => ({ layer, matrix, rank, maxRank: rank, bits: {} })),
      merge: (backbone, tensors) =>
        Object.fromEntries(all.flatMap((family) => {
          const made = updates(family, options, tensors);
          return family.sites.map(({ module }, row) => {
            const name = `${module}.weight`;
            return [name, addScaled(backbone[name]!, 1, made[row]!)];
          });
        })),
      save: (tensors) => ({
        config: {
          peft_type: "VBLORA",
          task_type: "SEQ_CLS",
          r: rank,
          num_vectors: vectors,
          vector_length: b,
          topk,
          target_modules: targetModules(sites),
        },
        tensors: { ...saveFamilies(all, tensors), [peftName(BANK)]: tensors[BANK]! },
      }),
      restore: ({ tensors }) => {
        const { [BANK]: _, ...stacked } = shapes;
        return { ...restoreFamilies(all, stacked, tensors), [BANK]: tensors[peftName(BANK)]! };
      },
    };
  },
};
