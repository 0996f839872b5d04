/** Noise of programs: declared by name where the model needs it, filled from counter-based streams. */
import type { TensorSpec } from "../compile/tracer.ts";
import { Stream } from "../random/stream.ts";
import { type HostTensor, sizeOf } from "../tensor/host_tensor.ts";
import type { NoiseKey } from "./engine.ts";

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
