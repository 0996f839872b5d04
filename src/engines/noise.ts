/** Noise of programs: declared by name where the model needs it, filled from counter-based streams. */
import * as tf from "@tensorflow/tfjs";
import type { TensorSpec } from "../compile/tracer.ts";
import { Stream } from "../random/stream.ts";
import { type HostTensor, sizeOf } from "../tensor/host_tensor.ts";
import type { Noise, NoiseKey, Program } from "./engine.ts";

export type NoiseSpec =
  & { readonly shape: readonly number[] }
  & ({ readonly kind: "keep"; readonly rate: number } | { readonly kind: "uniform" });

/** The graph input that stands for a noise. */
export function noiseInput(spec: NoiseSpec): TensorSpec {
  return { dtype: spec.kind === "keep" ? "bool" : "float32", shape: spec.shape };
}

/** The numbers of one noise in one run, written to `reuse` if it is given. */
export function drawNoise(name: string, spec: NoiseSpec, { seed, step }: NoiseKey, reuse?: HostTensor): HostTensor {
  const stream = new Stream(seed, "noise", step, name), { shape } = spec, size = sizeOf(shape);
  if (spec.kind === "keep") {
    const data = reuse?.dtype === "bool" ? reuse.data : new Uint8Array(size);
    return { dtype: "bool", shape, data: stream.fillKeep(data, spec.rate) };
  }
  const data = reuse?.dtype === "float32" ? reuse.data : new Float32Array(size);
  return { dtype: "float32", shape, data: stream.fillUniform(data) };
}

/**
 * The noise that a program sees in one run or trace.
 * @param draw the tensor for a noise: boolean for `keep`, float32 for `uniform`
 * @throws Error from the noise if a name is drawn twice, which would be the same numbers twice
 */
export function namedNoise(program: Program, draw: (name: string, spec: NoiseSpec) => tf.Tensor): Noise {
  const drawn = new Set<string>();
  const once = (name: string, spec: NoiseSpec): tf.Tensor => {
    if (drawn.has(name)) throw new Error(`The program ${program.name} draws noise "${name}" twice`);
    drawn.add(name);
    return draw(name, spec);
  };
  return {
    keep: (name, shape, rate) => tf.cast(once(name, { kind: "keep", shape, rate }), "float32"),
    uniform: (name, shape) => once(name, { kind: "uniform", shape }),
  };
}

/** @throws Error naming the noise if there is no key to draw it with */
export function needKey(program: Program, name: string, key: NoiseKey | undefined): NoiseKey {
  if (key) return key;
  throw new Error(`The program ${program.name} draws noise "${name}" and was run without a noise key`);
}
