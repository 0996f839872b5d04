/** What tests of tensor code share: the engines of this machine, tensors with known values, and comparison. */
import assert from "node:assert/strict";
import { emitOnnx, inputName, outputName } from "../compile/onnx.ts";
import type { Graph } from "../compile/ir.ts";
import { InputError } from "../errors.ts";
import { Stream } from "../random/stream.ts";
import { float32, type HostTensor, type HostTensors, int32, sizeOf } from "../tensor/host_tensor.ts";
import type { CompiledDevice } from "./compiled.ts";
import type { Device, NoiseKey, Program } from "./engine.ts";
import { type EngineName, openEngine } from "./open.ts";

/** The eager oracle. */
export const cpu: Device = await openEngine("cpu");

/** The compiled engines that this machine can run: `native` is left out where its library does not load. */
export const compiled: readonly { readonly name: EngineName; readonly device: Device }[] = [
  { name: "portable" as const, device: await openEngine("portable") },
  ...await openEngine("native").then(
    (device) => [{ name: "native" as const, device }],
    (error) => {
      if (!(error instanceof InputError)) throw error;
      console.warn(`Tests of the engine "native" are left out: ${error.message}`);
      return [];
    },
  ),
];

/** Loads a program, runs it once, and lets it go. */
export async function runOnce(
  device: Device,
  program: Program,
  feeds: HostTensors,
  noise?: NoiseKey,
): Promise<HostTensors> {
  const executable = await device.load(program);
  try {
    return await executable.run(feeds, noise);
  } finally {
    await executable.dispose();
  }
}

/** Runs a graph just as it is on `portable`, with no pass of ours. */
export async function runGraph(graph: Graph, feeds: HostTensors): Promise<HostTensors> {
  const { runtime, options } = compiled[0]!.device as CompiledDevice;
  const session = await runtime.InferenceSession.create(emitOnnx(graph).bytes, options);
  const given = Object.keys(graph.inputs).map((name) => {
    const { dtype, data, shape } = feeds[name]!;
    return [inputName(name), new runtime.Tensor(dtype, data as Float32Array, shape)] as const;
  });
  const results = await session.run(Object.fromEntries(given));
  await session.release();
  const made = Object.entries(graph.outputs).map(([name, { dtype }]) => {
    const { data, dims } = results[outputName(name)]!;
    return [name, { dtype, shape: dims, data } as HostTensor] as const;
  });
  return Object.fromEntries(made);
}

/** Numbers of N(0, std^2), the same for the same shape and labels. */
export function normal(shape: readonly number[], std = 1, ...labels: (string | number)[]): HostTensor {
  return float32(shape, new Stream("test", ...shape, ...labels).fillNormal(new Float32Array(sizeOf(shape)), std));
}

/**
 * Numbers a third apart, in a mixed order, half of them negative: none is zero, a whole number or half of one, and none
 * occurs in a tensor with another offset (below a third), so that functions with kinks are met away from them.
 */
export function spread(shape: readonly number[], offset = 0): HostTensor {
  const size = sizeOf(shape), order = new Stream("spread", size).shuffled(Array.from({ length: size }, (_, i) => i));
  return float32(shape, order.map((i) => (i - (size >> 1)) / 3 + 0.07 + offset));
}

/** The same, all positive, from 0.2 upwards. */
export function positive(shape: readonly number[], offset = 0): HostTensor {
  const tensor = spread(shape, offset), low = Math.min(...tensor.data);
  return float32(shape, Array.from(tensor.data, (x) => x - low + 0.2 + offset));
}

/** Whole numbers of [low, high). */
export function whole(shape: readonly number[], low: number, high: number, ...labels: (string | number)[]): HostTensor {
  const stream = new Stream("whole", ...shape, ...labels);
  return int32(shape, Int32Array.from({ length: sizeOf(shape) }, () => low + stream.below(high - low)));
}

/** Zeros and ones as booleans. */
export function bits(shape: readonly number[], ...labels: (string | number)[]): HostTensor {
  const mask = new Stream("bits", ...labels).fillMask(new Float32Array(sizeOf(shape)), 0.5);
  return { dtype: "bool", shape, data: Uint8Array.from(mask) };
}

export interface Tolerance {
  readonly abs: number;
  readonly rel: number;
}

/** Checks that two tensors have the same type and shape, and the same numbers up to rounding. */
export function assertClose(
  actual: HostTensor | undefined,
  expected: HostTensor,
  what: string,
  { abs, rel }: Tolerance = { abs: 2e-6, rel: 2e-5 },
): void {
  assert.ok(actual, `${what} is missing`);
  assert.equal(actual.dtype, expected.dtype, `${what}: type`);
  assert.deepEqual([...actual.shape], [...expected.shape], `${what}: shape`);
  assert.equal(actual.data.length, sizeOf(expected.shape), `${what}: size`);
  const exact = expected.dtype !== "float32";
  expected.data.forEach((want, i) => {
    const got = actual.data[i]!;
    if (Object.is(got, want) || got === want) return;
    const near = !exact && Math.abs(got - want) <= abs + rel * Math.abs(want);
    assert.ok(near, `${what}: element ${i} is ${got}, expected ${want}`);
  });
}

/** Checks that two records of tensors agree. */
export function assertAllClose(actual: HostTensors, expected: HostTensors, what: string, tolerance?: Tolerance): void {
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort(), `${what}: names`);
  for (const [name, tensor] of Object.entries(expected)) {
    assertClose(actual[name], tensor, `${what} ${name}`, tolerance);
  }
}

/** Checks that two records of tensors hold the same bits. */
export function assertSameBits(actual: HostTensors, expected: HostTensors, what: string): void {
  const bytes = ({ data }: HostTensor) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort(), `${what}: names`);
  for (const [name, tensor] of Object.entries(expected)) {
    assert.deepEqual(bytes(actual[name]!), bytes(tensor), `${what} ${name}`);
  }
}
