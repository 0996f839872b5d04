/** Noise of programs: declared by name where the model needs it, filled from counter-based streams. */
import type { Tensor } from "@tensorflow/tfjs";
import type { TensorSpec } from "../compile/tracer.ts";
import { Stream } from "../random/stream.ts";
import { type HostTensor, sizeOf } from "../tensor/host_tensor.ts";
import type { Noise, NoiseKey, Program } from "./engine.ts";

export type NoiseSpec =
  & { readonly shape: readonly number[] }
  & ({ readonly kind: "dropout"; readonly rate: number } | { readonly kind: "uniform" });

/** The graph input that stands for a noise. */
export function noiseInput(spec: NoiseSpec): TensorSpec {
  return { dtype: "float32", shape: spec.shape };
}

/** The numbers of one noise in one run, written where `reuse` lies if there is room. */
export function drawNoise(
  name: string,
  spec: NoiseSpec,
  { seed, step, part }: NoiseKey,
  reuse?: HostTensor,
): HostTensor {
  // Dropout belongs to examples, and parts of a batch hold different ones; uniform numbers belong to the step.
  const own = part && spec.kind === "dropout" ? [part] : [];
  const stream = new Stream(seed, "noise", step, name, ...own), { shape } = spec, size = sizeOf(shape);
  const room = reuse?.data.buffer as ArrayBuffer | undefined, enough = room && room.byteLength >= 4 * size;
  const data = enough ? new Float32Array(room, 0, size) : new Float32Array(size);
  if (spec.kind === "uniform") return { dtype: "float32", shape, data: stream.fillUniform(data) };
  return { dtype: "float32", shape, data: stream.fillMask(data, spec.rate, 1 / (1 - spec.rate)) };
}

/**
 * The noise that a program sees in one run or trace.
 * @param draw the float32 tensor for a noise
 * @throws Error from the noise if a name is drawn twice, which would be the same numbers twice
 */
export function namedNoise(program: Program, draw: (name: string, spec: NoiseSpec) => Tensor): Noise {
  const drawn = new Set<string>();
  const once = (name: string, spec: NoiseSpec): Tensor => {
    if (drawn.has(name)) throw new Error(`The program ${program.name} draws noise "${name}" twice`);
    drawn.add(name);
    return draw(name, spec);
  };
  return {
    dropout: (name, shape, rate) => once(name, { kind: "dropout", shape, rate }),
    uniform: (name, shape) => once(name, { kind: "uniform", shape }),
  };
}

/** @throws Error naming the noise if there is no key to draw it with */
export function needKey(program: Program, name: string, key: NoiseKey | undefined): NoiseKey {
  if (key) return key;
  throw new Error(`The program ${program.name} draws noise "${name}" and was run without a noise key`);
}
