import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import type { Program } from "../engines/engine.ts";
import { assertAllClose, assertClose, compiled, cpu, normal, runOnce } from "../engines/testing.ts";
import { ladder, levelWeights, rankMask, testGates } from "../quantization/gates.ts";
import { quantize } from "../quantization/quantize.ts";
import { float32, type HostTensor, type HostTensors } from "../tensor/host_tensor.ts";
import { evaluateProgram, type Model } from "../training/model.ts";
import { QUANTIZED, type Quantized } from "../training/record.ts";
import type { Scope } from "./method.ts";
import { attachMethod } from "./registry.ts";
import { batch, config, initialTensors, load, lossAndGradient, modelOf, smoothPoint } from "./testing.ts";

const rank = 4, KINDS = 9, ROWS = 6;

/** A tensor with some of its numbers set. */
function set(tensor: HostTensor, entries: readonly (readonly [number, number])[]): HostTensor {
  const data = Float32Array.from(tensor.data);
  for (const [at, value] of entries) data[at] = value;
  return float32(tensor.shape, data);
}

async function evaluate(model: Model, tensors: HostTensors): Promise<HostTensor> {
  load(model, cpu, tensors);
  const [size, length] = batch.ids!.shape as [number, number];
  const { logits } = await runOnce(cpu, evaluateProgram(model, size, length), batch);
  cpu.clear();
  return logits!;
}

Deno.test("observe() reads ranks and bit widths from the gate logits", async () => {
  const { adapter } = modelOf("blora", { rank }), model = modelOf("blora", { rank });
  const tensors = await initialTensors(model, cpu);
  cpu.clear();
  const gates = tensors["attention.bit_gates"]!, ranks = tensors["attention.rank_gates"]!;
  assert.deepEqual([...gates.shape, ...ranks.shape], [KINDS, ROWS, 4, ROWS, rank - 1]);
  const gate = (kind: number, row: number, step: number) => (kind * ROWS + row) * 4 + step;
  const sites = adapter.observe({
    ...tensors,
    // Row 0 is the first layer's query, row 5 the second layer's value. A closed gate closes those above it.
    "attention.bit_gates": set(gates, [[gate(0, 0, 0), -3], [gate(1, 0, 1), -3], [gate(8, 5, 2), -1], [
      gate(3, 5, 3),
      -9,
    ]]),
    "attention.rank_gates": set(ranks, [[0, -3], [5 * (rank - 1) + 1, -1]]),
  });
  assert.deepEqual(sites.map((site) => site.rank), [1, 4, 4, 4, 4, 2]);
  assert.deepEqual([sites[0]!.bits.W0, sites[0]!.bits.A, sites[0]!.bits.B], [2, 4, 32]);
  assert.deepEqual([sites[5]!.bits.out, sites[5]!.bits.E, sites[5]!.bits.W0], [8, 16, 32]);
  assert.equal(Object.keys(sites[0]!.bits).length, KINDS);
});

Deno.test("a closed rank counts for nothing, an open one does", async () => {
  const model = modelOf("blora-ra", { rank });
  const start = await initialTensors(model, cpu),
    gates = start["attention.rank_gates"]!,
    A = start["attention.lora_A"]!;
  const closed = { ...start, "attention.rank_gates": float32(gates.shape, gates.data.map(() => -3)) };
  const width = A.shape[2]!,
    changed = (row: number) => set(A, Array.from({ length: width }, (_, i) => [row * width + i, 2]));
  const plain = await evaluate(model, closed);
  assertClose(await evaluate(model, { ...closed, "attention.lora_A": changed(1) }), plain, "closed rank", {
    abs: 0,
    rel: 0,
  });
  assert.notDeepEqual((await evaluate(model, { ...closed, "attention.lora_A": changed(0) })).data, plain.data);
  assert.notDeepEqual(
    (await evaluate(model, { ...start, "attention.lora_A": changed(1) })).data,
    (await evaluate(model, start)).data,
  );
});

Deno.test("fewer bits for one matrix change what the model computes, more than the rounding of 32 bits does", async () => {
  const model = modelOf("blora-q", { rank }),
    start = await initialTensors(model, cpu),
    gates = start["attention.bit_gates"]!;
  const coarse = { ...start, "attention.bit_gates": set(gates, [[0, -3]]) };
  const [fine, rough] = [await evaluate(model, start), await evaluate(model, coarse)];
  assert.ok(fine.data.some((x, i) => Math.abs(x - rough.data[i]!) > 1e-3));
});

Deno.test("a half-open gate has the gradient of finite differences", async () => {
  const model = modelOf("blora", { rank, lambdaBits: 0.01 }, 0), point = await smoothPoint(model), step = 1e-2;
  const key = "attention.bit_gates";
  for (const [kind, row, gate] of [[0, 0, 0], [1, 2, 0], [8, 5, 0], [4, 1, 1]] as const) {
    const at = (kind * ROWS + row) * 4 + gate;
    // Samples of 0.9 open this gate to about two thirds, and all others fully.
    const moved = (by: number) => ({ ...point, [key]: set(point[key]!, [[at, -1.8 + by]]) });
    const slope = lossAndGradient(model, moved(0), true).gradients[key]![at]!;
    const [above, below] = [step, -step].map((by) => lossAndGradient(model, moved(by), false).value);
    const difference = (above! - below!) / (2 * step);
    const message = `gate ${gate} of quantizer ${kind}, row ${row}: gradient ${slope}, finite difference ${difference}`;
    assert.ok(Math.abs(slope - difference) <= 5e-4 + 2e-2 * Math.abs(difference), message);
    assert.ok(Math.abs(slope) > 1e-3, message);
  }
});

Deno.test("a half-open rank gate has the straight-through gradient of the task's loss to the mask", async () => {
  const model = modelOf("blora-ra", { rank, lambdaRank: 0 }, 0), point = await smoothPoint(model), at = 1;
  const key = "attention.rank_gates", E = "attention.lora_E";
  // Samples of 0.9 open this gate to about two thirds, which rounds to 1, and all others fully.
  const half: HostTensors = { ...point, [key]: set(point[key]!, [[at, -1.8]]) }, step = 1e-2;
  const slope = lossAndGradient(model, half, true).gradients[key]![at]!;
  // The gate scales E of rank 3 and 4 in the first row, so the loss's slope along them is that to the mask.
  const scaled = (by: number) => {
    const data = Float32Array.from(half[E]!.data);
    for (let k = at + 1; k < rank; k++) data[k]! *= 1 + by;
    return lossAndGradient(model, { ...half, [E]: float32(half[E]!.shape, data) }, false).value;
  };
  const toMask = (scaled(step) - scaled(-step)) / (2 * step), sigmoid = 1 / (1 + Math.exp(-(Math.log(9) - 1.8) * 1.5));
  const expected = toMask * 1.2 * sigmoid * (1 - sigmoid) * 1.5;
  assert.ok(Math.abs(expected) > 1e-4, `the loss does not feel the mask: ${expected}`);
  assert.ok(Math.abs(slope - expected) <= 5e-4 + 3e-2 * Math.abs(expected), `gradient ${slope}, expected ${expected}`);
});

for (const [hidden, rows] of [[256, 600], [384, 600], [384, 100]] as const) {
  Deno.test(`B-LoRA projects ${rows} tokens of width ${hidden} as its formula says, each module with its own quantizers`, async () => {
    const wide = { ...config, hidden, layers: 2, heads: 2 },
      alpha = 6,
      adapter = attachMethod("blora", wide, { rank, alpha });
    const modules = [0, 1].map((layer) =>
      ["query", "key", "value"].map((name) => `deberta.encoder.layer.${layer}.attention.self.${name}_proj`)
    );
    /** Ranges that cut some numbers off, gates for 16 or 32 bits and some for fewer ranks, other ones in every row. */
    const parameter = (name: string, shape: readonly number[]): HostTensor => {
      const noise = normal(shape, 0.3, name),
        at = (f: (i: number) => number) => float32(shape, noise.data.map((_, i) => f(i)));
      // Weights of modules are small, what they make is not.
      const centre = (i: number) => Math.floor(i / ROWS) === QUANTIZED.indexOf("W0") ? -3 : -1;
      if (name.endsWith("log_scales")) return at((i) => centre(i) + noise.data[i]!);
      if (name.endsWith("bit_gates")) return at((i) => i % 4 === 3 && i % 5 < 3 ? -3 : 6);
      return name.endsWith("rank_gates") ? at((i) => i % 5 === 2 ? -3 : 6) : noise;
    };
    const parameters = Object.entries(adapter.parameters).map(([name, { shape }]) => [name, parameter(name, shape)]);
    const weights = modules.flat().flatMap((module) => [
      [`${module}.weight`, normal([hidden, hidden], 0.05, module)],
      [`${module}.bias`, normal([hidden], 0.1, module)],
    ]);
    const inputs: HostTensors = { x: normal([rows, hidden], 1), ...Object.fromEntries([...parameters, ...weights]) };
    const trained = ["attention.lora_A", "attention.lora_B", "attention.log_scales"];
    type Read = (name: string) => tf.Tensor;
    /** What modules make of x, and the gradients of a loss of it. */
    const program = (project: (read: Read) => tf.Tensor[]): Program => ({
      name: "projections",
      inputs,
      apply: (given) => {
        const made = (values: tf.Tensor[]) => project((name) => values[trained.indexOf(name)] ?? given[name]!);
        const loss = (...values: tf.Tensor[]) =>
          made(values).map((y) => tf.mean(tf.square(y))).reduce((a, b) => tf.add(a, b)) as tf.Scalar;
        const values = trained.map((name) => given[name]!), gradients = tf.grads(loss)(values);
        return Object.fromEntries([
          ...made(values).map((y, i) => [`y${i}`, y] as const),
          ...gradients.map((gradient, i) => [trained[i]!, gradient] as const),
        ]);
      },
    });
    const ours = program((read) => {
      const scope: Pick<Scope, "mode" | "weight" | "parameter" | "mostRows"> = {
        mode: "evaluate",
        weight: read,
        parameter: read,
        mostRows: (count) => count,
      };
      const { linear } = adapter.open(scope as Scope);
      return modules.flatMap((those) => linear!(those, read("x"))!);
    });
    const formula = program((read) =>
      modules.flat().flatMap((module, row) => {
        const own = (name: string) => tf.squeeze(tf.slice(read(`attention.lora_${name}`), row, 1), [0]);
        const Q = (kind: Quantized, y: tf.Tensor) => {
          const k = QUANTIZED.indexOf(kind), s2 = tf.exp(tf.slice(read("attention.log_scales"), [k, row], [1, 1]));
          const phi = tf.reshape(tf.slice(read("attention.bit_gates"), [k, row, 0], [1, 1, 4]), [1, 4]);
          const weights = levelWeights(tf.mul(testGates(phi), ladder(phi)));
          return tf.squeeze(quantize(tf.expandDims(y), tf.reshape(s2, [1]), weights), [0]);
        };
        const mask = rankMask(testGates(tf.slice(read("attention.rank_gates"), row, 1)));
        const through = (x: tf.Tensor, W: tf.Tensor) => tf.matMul(x, W, false, true), x = read("x");
        const base = Q("W0-out", tf.add(through(x, Q("W0", read(`${module}.weight`))), read(`${module}.bias`)));
        const low = tf.mul(Q("A-out", through(x, Q("A", own("A")))), tf.mul(Q("E", own("E")), mask));
        const update = Q("AB-out", through(Q("E-out", low), Q("B", own("B"))));
        return Q("out", tf.add(base, tf.mul(update, alpha / rank)));
      })
    );
    const { device } = compiled.find(({ name }) => name === "native")!;
    const [made, expected] = [await runOnce(device, ours, inputs), await runOnce(device, formula, inputs)];
    assertAllClose(made, expected, "projections", { abs: 1e-3, rel: 1e-3 });
  });
}

Deno.test("calibration measures the update before it is scaled", async () => {
  const first = QUANTIZED.indexOf("AB-out") * ROWS, ranges: HostTensor["data"][] = [];
  for (const alpha of [1, 4, 12]) {
    const scales = (await initialTensors(modelOf("blora", { rank, alpha }), cpu))["attention.log_scales"]!;
    // Of the first layer's three; what enters the second depends on the update.
    ranges.push(scales.data.slice(first, first + 3));
  }
  for (const range of ranges) range.forEach((s, i) => assert.ok(Math.abs(s - ranges[0]![i]!) < 1e-5));
});
