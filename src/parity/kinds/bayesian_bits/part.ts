/** What the cases of a `bayesian-bits` fixture have in common. */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import type { Tensors } from "../../../engines/engine.ts";
import { float32, type HostTensor, type HostTensors } from "../../../tensor/host_tensor.ts";
import type { Case } from "../../fixture.ts";
import type { Report } from "../../report.ts";

/** One case as a part of a program. */
export interface Part {
  readonly feeds: HostTensors;
  apply(given: Tensors): Tensors;
  /** Compares the outputs of `apply`. */
  tell(outputs: HostTensors, report: Report): void;
}

/** Reads a case; undefined if it does not have the form of its operation. */
export type Operation = (raw: Case, tensor: (name: string) => HostTensor) => Part | undefined;

/** The fixture's names for the tolerances that hold for several fields. */
export const EXACT = { group: "bits" }, SAMPLED = { group: "hard-concrete z" };

export const Numbers: z.ZodArray<z.ZodNumber> = z.array(z.number());

/** Numbers as a stack [1, n]. */
export const row = (numbers: readonly number[]): HostTensor => float32([1, numbers.length], numbers);
export const listOf = (tensor: HostTensor | undefined): number[] => Array.from(tensor!.data);
/** How many ranks a mask leaves. */
export const live = (mask: HostTensor | undefined): number => listOf(mask).filter((gate) => gate !== 0).length;

/** The gradients of sum(f * upstream), under the names of the inputs with `grad.` before them. */
export function gradients(given: Tensors, names: readonly string[], f: (given: Tensors) => tf.Tensor): Tensors {
  const objective = (...chosen: tf.Tensor[]) => {
    const y = f({ ...given, ...Object.fromEntries(names.map((name, i) => [name, chosen[i]!])) });
    return tf.sum(given.upstream ? tf.mul(y, given.upstream) : y) as tf.Scalar;
  };
  const { grads } = tf.valueAndGrads(objective)(names.map((name) => given[name]!));
  return Object.fromEntries(names.map((name, i) => [`grad.${name}`, grads[i]!]));
}
