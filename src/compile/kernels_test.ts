import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import type { Program, Tensors } from "../engines/engine.ts";
import { assertClose, compiled, cpu, runOnce, type Tolerance } from "../engines/testing.ts";
import { type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { type Case, CASES } from "./kernel_cases.ts";
import { TRACE } from "./tracer.ts";
import "./kernels.ts";

type Tensor = tf.Tensor;

/** Sums and products of many terms are rounded in another order. */
const TOLERANCE: Tolerance = { abs: 5e-6, rel: 5e-5 };

/** How often each kernel was traced: a case that does not reach its kernel proves nothing. */
const traced = new Map<string, number>();
for (const config of tf.getKernelsForBackend(TRACE)) {
  const record = config.kernelFunc;
  config.kernelFunc = (call) => {
    traced.set(config.kernelName, (traced.get(config.kernelName) ?? 0) + 1);
    return record(call);
  };
}

/** A fixed direction, so that a gradient is not all ones. */
const direction = (shape: number[]) =>
  tf.tensor(Float32Array.from({ length: sizeOf(shape) }, (_, i) => 1 - (i % 3) / 4), shape);

/** The outputs of one case, and the gradient of their weighted sum to every float32 input. */
function evaluate({ inputs, apply, gradient }: Case, given: readonly Tensor[]): Tensors {
  const list = (made: Tensor | readonly Tensor[]) => Array.isArray(made) ? made : [made as Tensor];
  const result: Tensors = {};
  list(apply(...given)).forEach((y, i) => result[`output ${i}`] = y);
  const floats = inputs.map((_, i) => i).filter((i) => inputs[i]!.dtype === "float32");
  const smooth = Object.values(result).every(({ dtype }) => dtype === "float32");
  if (gradient === false || floats.length === 0 || !smooth) return result;
  const sum = (...changed: Tensor[]) => {
    const all = given.map((x, i) => changed[floats.indexOf(i)] ?? x);
    return list(apply(...all)).map((y) => tf.sum(tf.mul(y, direction(y.shape)))).reduce((a, b) => tf.add(a, b));
  };
  tf.grads(sum)(floats.map((i) => given[i]!)).forEach((g, i) => result[`gradient ${floats[i]}`] = g);
  return result;
}

/** All cases of a kernel as one program. */
function programOf(kernel: string, cases: readonly Case[]): { program: Program; feeds: HostTensors } {
  const feeds: HostTensors = {};
  cases.forEach(({ inputs }, c) => inputs.forEach((tensor, i) => feeds[`case ${c} input ${i}`] = tensor));
  const apply = (given: Tensors): Tensors => {
    const results = cases.map((one, c) => {
      const made = evaluate(one, one.inputs.map((_, i) => given[`case ${c} input ${i}`]!));
      return Object.entries(made).map(([name, tensor]) => [`case ${c} ${name}`, tensor] as const);
    });
    return Object.fromEntries(results.flat());
  };
  return { program: { name: kernel, inputs: feeds, apply }, feeds };
}

Deno.test("every mapped kernel has cases, and every case is of a mapped kernel", () => {
  const mapped = tf.getKernelsForBackend(TRACE).map(({ kernelName }) => kernelName);
  assert.deepEqual(Object.keys(CASES).sort(), mapped.sort());
});

for (const [kernel, cases] of Object.entries(CASES)) {
  Deno.test(`${kernel} gives the eager oracle's values and gradients on every compiled engine`, async () => {
    const { program, feeds } = programOf(kernel, cases);
    const expected = await runOnce(cpu, program, feeds);
    for (const { name, device } of compiled) {
      const before = traced.get(kernel) ?? 0;
      const actual = await runOnce(device, program, feeds);
      assert.ok((traced.get(kernel) ?? 0) >= before + cases.length, `some case never used the kernel ${kernel}`);
      for (const [output, tensor] of Object.entries(expected)) {
        assertClose(actual[output], tensor, `${name}: ${kernel}, ${output}`, TOLERANCE);
      }
    }
  });
}
