import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { encoderShapes, headShapes } from "../deberta/config.ts";
import type { Device } from "../engines/engine.ts";
import { assertClose, compiled, cpu } from "../engines/testing.ts";
import { attachMethod } from "../peft/registry.ts";
import { Stream } from "../random/stream.ts";
import { float32, type HostTensors, int32 } from "../tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "./adamw.ts";
import { Accumulator } from "./in_parts.ts";
import { initializeModel } from "./initialize.ts";
import { fineTuneStep, type Model, rowsOf } from "./model.ts";
import { layOut } from "./layout.ts";
import { RowTable } from "./row_table.ts";
import { startingTensors, startRegisters } from "./start.ts";
import { freshState, type StepDefinition, stepFeeds, trackedRegister, trainProgram, vectorsOf } from "./step.ts";
import { TINY } from "./testing.ts";

const BATCH = 6, LENGTH = 5, STEPS = 4;
const optimizer = { ...ADAMW_DEFAULTS, maxNorm: 0.5 };
const rates = {
  weights: { lr: 1e-2, weightDecay: 0.01 },
  biases: { lr: 1e-2, weightDecay: 0 },
  gates: { lr: 1e-2, weightDecay: 0 },
};

interface Case {
  readonly method: string;
  readonly labels: number;
  readonly options?: Record<string, number>;
  readonly abs?: number;
}

/**
 * Without dropout all noise is the step's. Steps of B-LoRA's finest grids have gradients that are hardly more than rounding
 * errors, which Adam makes as large as any other.
 */
const CASES: readonly Case[] = [
  { method: "lora", labels: 2 },
  { method: "full-ft", labels: 2 },
  { method: "adalora", labels: 3 },
  { method: "houlsby", labels: 1 },
  { method: "blora", labels: 2, options: { rank: 2, gateLogit: 0, lambdaBits: 0.1, lambdaRank: 0.1 }, abs: 1e-3 },
  { method: "dylora", labels: 2 },
];

/** A batch of which the last row is padding. */
function batchOf(step: number, labels: number): HostTensors {
  const stream = new Stream("in parts", step), rows = BATCH - 1;
  const tokens = Array.from({ length: BATCH * LENGTH }, (_, i) => i < rows * LENGTH ? 1 + stream.below(15) : 0);
  const classes = Array.from({ length: BATCH }, (_, row) => row % 2);
  return {
    ids: int32([BATCH, LENGTH], tokens),
    mask: float32([BATCH, LENGTH], tokens.map((id) => id === 0 ? 0 : 1)),
    labels: labels === 1 ? float32([BATCH], classes) : int32([BATCH], classes),
    weights: float32([BATCH], classes.map((_, row) => row < rows ? 1 / rows : 0)),
  };
}

/** Trains for some steps. @returns losses, gradient norms, and everything that the steps renewed */
async function train(device: Device, model: Model, rows: number) {
  const weights = initializeModel(
    { ...encoderShapes(model.config), ...headShapes(model.config, model.labels) },
    0.2,
    3,
  );
  const tensors = startingTensors(model, weights, 1, null), step = fineTuneStep(model, optimizer, BATCH, LENGTH, rows);
  device.clear();
  device.write(startRegisters(model, tensors));
  const loaded = rows === BATCH
    ? await device.load(trainProgram(step))
    : await new Accumulator(device, step.layout).open(step, BATCH / rows, (_, make) => device.load(make()));
  const trains = rowsOf(model, BATCH, LENGTH),
    table = trains && new RowTable(tensors[trains.name]!, trains.group, optimizer);
  const { run, dispose } = table?.trains(loaded) ?? loaded, losses: number[] = [], norms: number[] = [];
  for (let i = 1; i <= STEPS; i++) {
    const feeds = { ...batchOf(i, model.labels), ...stepFeeds(step.layout, rates, i, optimizer) };
    const { loss, norm, ...rest } = await run(feeds, { seed: 1, step: i });
    assert.deepEqual(rest, {});
    losses.push(loss!.data[0]!);
    norms.push(norm!.data[0]!);
  }
  await dispose();
  const registers = [
    ...vectorsOf(step.layout).flatMap(({ registers: { p, m, v } }) => [p, m, v]),
    ...Object.keys(model.adapter.state ?? {}).map(trackedRegister),
  ];
  const renewed: HostTensors = Object.fromEntries(registers.map((name) => [name, structuredClone(device.read(name))]));
  if (table) renewed.table = table.values();
  return { losses, norms, renewed };
}

for (const { name, device } of [{ name: "cpu", device: cpu }, ...compiled]) {
  for (const { method, labels, options = {}, abs = 2e-5 } of CASES) {
    Deno.test(`${name}: ${method} trains in parts as it does with the whole batch`, async () => {
      const adapter = attachMethod(method, TINY, options);
      const model = { config: TINY, adapter, labels, classifierDropout: 0, tableByRows: true };
      const whole = await train(device, model, BATCH), tolerance = { abs, rel: 1e-4 };
      for (const rows of [3, 1]) {
        const parts = await train(device, model, rows);
        assertClose(float32([STEPS], parts.losses), float32([STEPS], whole.losses), "losses", tolerance);
        assertClose(float32([STEPS], parts.norms), float32([STEPS], whole.norms), "norms", tolerance);
        assert.deepEqual(Object.keys(parts.renewed), Object.keys(whole.renewed));
        for (const [register, value] of Object.entries(parts.renewed)) {
          assertClose(value, whole.renewed[register]!, `${register} by ${rows} rows`, tolerance);
        }
      }
    });
  }
}

Deno.test("Each part of a batch has dropout of its own, the same in every run, and the uniform numbers of the step", async () => {
  const size = 64, layout = layOut([{ name: "p", shape: [size], group: "weights" }]), shares: number[][] = [];
  const step: StepDefinition = {
    name: "noisy",
    layout,
    optimizer,
    inputs: { x: { dtype: "float32", shape: [1] } },
    loss: ({ p }, { x }, noise) => tf.sum(tf.mul(tf.mul(p!, noise.dropout("mask", [size], 0.5)), x!)),
  };
  const uniform = {
    ...step,
    loss: (...[{ p }, { x }, noise]: Parameters<StepDefinition["loss"]>) =>
      tf.sum(tf.mul(tf.mul(p!, noise.uniform("u", [size])), x!)),
  };
  for (const definition of [step, step, uniform]) {
    const seen: number[] = [];
    cpu.clear();
    cpu.write(freshState({ weights: Float32Array.from({ length: size }, (_, i) => i) }));
    const { run } = await new Accumulator(cpu, layout).open(definition, 3, async (what, make) => {
      const { run, dispose } = await cpu.load(make());
      if (what === "update") return { run, dispose };
      return {
        dispose,
        run: async (feeds, noise) => {
          const results = await run(feeds, noise);
          seen.push(results.loss!.data[0]!);
          return results;
        },
      };
    });
    const feeds = { x: float32([3], [1, 1, 1]), ...stepFeeds(layout, rates, 1, optimizer) };
    const { loss } = await run(feeds, { seed: 1, step: 0 });
    assertClose(loss!, float32([], [seen.reduce((a, b) => a + b)]), "loss");
    shares.push(seen);
  }
  assert.equal(new Set(shares[0]).size, 3);
  assert.deepEqual(shares[1], shares[0]);
  assert.equal(new Set(shares[2]).size, 1);
});
