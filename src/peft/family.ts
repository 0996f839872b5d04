/** Families of adapted modules: query, key and value, or one of the others, stacked over the layers. */
import * as tf from "@tensorflow/tfjs";
import type { DebertaConfig } from "../deberta/config.ts";
import { type HostTensor, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { type AdaptedModule, adaptedModules, peftName, type Target } from "./method.ts";

type Tensor = tf.Tensor;

export interface Family {
  readonly name: string;
  readonly layers: number;
  /** Modules of the family in one layer. */
  readonly members: number;
  /** layers x members: the leading axis of stacked tensors, layer by layer. */
  readonly rows: number;
  readonly into: number;
  readonly out: number;
  /** Module names by layer and member. */
  readonly modules: readonly (readonly string[])[];
  readonly sites: readonly AdaptedModule[];
  readonly place: ReadonlyMap<string, { readonly layer: number; readonly member: number }>;
}

const FAMILY_OF = {
  query: "attention",
  key: "attention",
  value: "attention",
  "attention-output": "attention-output",
  intermediate: "intermediate",
  output: "output",
} as const;

/** The families of a preset of adapted matrices. */
export function families(config: DebertaConfig, target: Target): Family[] {
  const sites = adaptedModules(config, target), names = [...new Set(sites.map(({ matrix }) => FAMILY_OF[matrix]))];
  return names.map((name) => {
    const mine = sites.filter(({ matrix }) => FAMILY_OF[matrix] === name), members = mine.length / config.layers;
    return {
      name,
      layers: config.layers,
      members,
      rows: mine.length,
      into: mine[0]!.into,
      out: mine[0]!.out,
      modules: Array.from({ length: config.layers }, (_, i) => mine.filter((s) => s.layer === i).map((s) => s.module)),
      sites: mine,
      place: new Map(mine.map(({ module, layer }, row) => [module, { layer, member: row % members }])),
    };
  });
}

/** Where modules lie that read one input, all of one layer. */
export interface Location {
  readonly family: Family;
  readonly layer: number;
  /** Their members of the family, in the order of `adapted`. */
  readonly members: readonly number[];
  /** Those of the modules that the family has, in the order in which they were given. */
  readonly adapted: readonly string[];
}

/** Where modules that read one input lie among the families; undefined if none of them does. */
export function locate(all: readonly Family[], modules: readonly string[]): Location | undefined {
  const family = all.find(({ place }) => modules.some((module) => place.has(module)));
  if (!family) return undefined;
  const adapted = modules.filter((module) => family.place.has(module));
  const places = adapted.map((module) => family.place.get(module)!);
  return { family, layer: places[0]!.layer, members: places.map(({ member }) => member), adapted };
}

/**
 * A tensor cut along an axis. (TensorFlow.js's own split has no gradient for a single part.)
 * @param parts how many of equal size, or the size of each
 */
export function partsOf(x: Tensor, parts: number | number[], axis = 0): Tensor[] {
  const count = typeof parts === "number" ? parts : parts.length;
  return count === 1 ? [x] : tf.split(x, parts, axis);
}

/** The tensors of a stack. */
export function unstack(x: Tensor): Tensor[] {
  const [count, ...shape] = x.shape as [number, ...number[]];
  return partsOf(x, count).map((part) => tf.reshape(part, shape));
}

/** The rows of a stack [members, ...] that belong to the chosen members, in their order. */
export function memberOf(stack: Tensor, chosen: readonly number[], members: number): Tensor {
  if (chosen.every((member, i) => member === chosen[0]! + i)) {
    return chosen.length === members ? stack : tf.slice(stack, [chosen[0]!], [chosen.length]);
  }
  return tf.concat(chosen.map((i) => tf.slice(stack, [i], [1])));
}

/**
 * One input through a stack of matrices, y[g] = x W[g]^T, as one product with the matrices below each other: a few large products
 * keep more threads busy than many smaller ones.
 * @param x [N, in]
 * @param W [G, out, in]
 * @param bias [G, 1, out], which has no gradient
 * @returns [G, N, out]
 */
export function affineStack(x: Tensor, W: Tensor, bias?: Tensor): Tensor {
  const [groups, out, into] = W.shape as [number, number, number], rows = x.shape[0]!;
  const apply = tf.customGrad((...args) => {
    const [x, W, save] = args as unknown as [Tensor, Tensor, tf.GradSaveFunc];
    const flat = tf.reshape(W, [groups * out, into]);
    save([x, flat]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const [x, flat] = saved as [Tensor, Tensor];
      const beside = tf.reshape(tf.transpose(dy, [1, 0, 2]), [rows, groups * out]);
      return [tf.matMul(beside, flat), tf.reshape(tf.matMul(beside, x, true, false), [groups, out, into])];
    };
    const product = tf.matMul(x, flat, false, true), y = bias ? tf.add(product, tf.reshape(bias, [-1])) : product;
    return { value: tf.transpose(tf.reshape(y, [rows, groups, out]), [1, 0, 2]), gradFunc };
  });
  return apply(x, W);
}

/** Stacked tensors `family.kind` as one tensor per module, `module.kind`, under PEFT's prefix. */
export function saveFamilies(all: readonly Family[], parameters: HostTensors): HostTensors {
  const saved: HostTensors = {};
  for (const { name, rows, sites } of all) {
    for (const [key, tensor] of Object.entries(parameters)) {
      if (!key.startsWith(`${name}.`)) continue;
      const kind = key.slice(name.length + 1), axis = rowAxis(kind);
      sites.forEach(({ module }, row) => saved[peftName(`${module}.${kind}`)] = takeRow(tensor, axis, row, rows));
    }
  }
  return saved;
}

/** The stacked tensors that `saveFamilies` took apart. @param shapes of the stacked tensors, by name */
export function restoreFamilies(
  all: readonly Family[],
  shapes: Readonly<Record<string, readonly number[]>>,
  saved: HostTensors,
): HostTensors {
  return Object.fromEntries(
    all.flatMap(({ name, rows, sites }) =>
      Object.entries(shapes).filter(([key]) => key.startsWith(`${name}.`)).map(([key, shape]) => {
        const kind = key.slice(name.length + 1), axis = rowAxis(kind), data = new Float32Array(sizeOf(shape));
        const outer = sizeOf(shape.slice(0, axis)), inner = sizeOf(shape.slice(axis + 1));
        sites.forEach(({ module }, row) => {
          const part = saved[peftName(`${module}.${kind}`)]!.data as Float32Array;
          for (let i = 0; i < outer; i++) {
            data.set(part.subarray(i * inner, (i + 1) * inner), (i * rows + row) * inner);
          }
        });
        return [key, { dtype: "float32", shape, data }];
      })
    ),
  );
}

/** The axis of a stacked tensor along which its modules lie. */
const rowAxis = (kind: string): number => kind === "bit_gates" || kind === "log_scales" ? 1 : 0;

/** One index of an axis, as a copy without that axis. */
function takeRow(tensor: HostTensor, axis: number, row: number, rows: number): HostTensor {
  const shape = tensor.shape.filter((_, i) => i !== axis);
  const outer = sizeOf(tensor.shape.slice(0, axis)), inner = sizeOf(tensor.shape.slice(axis + 1));
  const data = new Float32Array(outer * inner);
  for (let i = 0; i < outer; i++) {
    const from = (i * rows + row) * inner;
    data.set(tensor.data.subarray(from, from + inner), i * inner);
  }
  return { dtype: "float32", shape, data };
}
