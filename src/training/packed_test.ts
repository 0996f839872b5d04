import assert from "node:assert/strict";
import { encoderShapes, headShapes } from "../deberta/config.ts";
import { CompiledDevice, compileProgram } from "../engines/compiled.ts";
import type { Device, Program } from "../engines/engine.ts";
import { assertClose, compiled, cpu } from "../engines/testing.ts";
import { attachMethod, METHOD_NAMES } from "../peft/registry.ts";
import { Stream } from "../random/stream.ts";
import { float32, type HostTensors, int32 } from "../tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "./adamw.ts";
import { tokenFeeds } from "./batches.ts";
import { initializeModel } from "./initialize.ts";
import { evaluateProgram, fineTuneProgram, layoutOf, type Model } from "./model.ts";
import { startingTensors, startRegisters } from "./start.ts";
import { stepFeeds, trackedRegister, vectorsOf } from "./step.ts";
import { TINY } from "./testing.ts";

const BATCH = 32, LENGTH = 64, STEPS = 4, config = { ...TINY, hidden: 64, layers: 2, maxPosition: 128 };
const optimizer = { ...ADAMW_DEFAULTS, maxNorm: 0.5 };
const rate = { lr: 1e-2, weightDecay: 0.01 }, rates = { weights: rate, biases: rate, gates: rate };

/** Another share of padding in every step: little, none, much; the last texts of a batch are missing. */
function batchOf(step: number): HostTensors {
  const stream = new Stream("packed", step), texts = step === 2 ? BATCH : BATCH - step;
  const words = (length: number) => Array.from({ length }, () => 1 + stream.below(15));
  const sequences = Array.from({ length: texts }, () => {
    return words(step === 2 ? LENGTH : 1 + stream.below(step === 3 ? 12 : LENGTH));
  });
  return {
    ...tokenFeeds(sequences, BATCH, LENGTH),
    labels: int32([BATCH], Array.from({ length: BATCH }, (_, row) => row % 2)),
    weights: float32([BATCH], Array.from({ length: BATCH }, (_, row) => row < texts ? 1 / texts : 0)),
  };
}

function modelOf(method: string): Model {
  return { config, adapter: attachMethod(method, config), labels: 2, classifierDropout: 0 };
}

/** A program as it is loaded, which must be one graph for all numbers of tokens: others would be compiled one by one. */
function elastic(device: Device, program: Program): Program {
  if (device instanceof CompiledDevice) compileProgram(program, device.adapt);
  return program;
}

/** The same program with padding in rows of its own. */
function padded(program: Program): Program {
  const { elastic, prepare, ...rest } = program;
  assert.ok(elastic && prepare);
  // What a batch of few places would do.
  return { ...rest, prepare: evaluateProgram(modelOf("lora"), 1, 1).prepare! };
}

/** Trains for some steps, then evaluates. @returns losses, logits, means of gradients, and what the method keeps account of */
async function train(device: Device, model: Model, steps: number, as: (program: Program) => Program) {
  const weights = initializeModel({ ...encoderShapes(config), ...headShapes(config, 2) }, 0.3, 3);
  const layout = layoutOf(model);
  device.clear();
  device.write(structuredClone(startRegisters(model, startingTensors(model, weights, 1, null))));
  const { run, dispose } = await device.load(as(fineTuneProgram(model, optimizer, BATCH, LENGTH)));
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const feeds = { ...batchOf(step), ...stepFeeds(layout, rates, step, optimizer) };
    losses.push((await run(feeds, { seed: 1, step })).loss!.data[0]!);
  }
  await dispose();
  const evaluation = await device.load(as(evaluateProgram(model, BATCH, LENGTH)));
  const { ids, mask } = batchOf(1), { logits } = await evaluation.run({ ids: ids!, mask: mask! });
  await evaluation.dispose();
  const registers = [
    ...vectorsOf(layout).map(({ registers: { m } }) => m),
    ...Object.keys(model.adapter.state ?? {}).map(trackedRegister),
  ];
  const renewed = Object.fromEntries(registers.map((name) => [name, structuredClone(device.read(name))]));
  // The last text of that batch is missing: its logits mean nothing.
  return { losses, logits: float32([BATCH - 1, 2], logits!.data.slice(0, -2)), renewed };
}

/** What engines besides `native`, the fastest, are tried with. */
const SOME: Readonly<Record<string, readonly string[]>> = {
  cpu: ["lora"],
  portable: ["lora", "blora", "prompt-tuning"],
};
for (const { name, device } of [{ name: "cpu", device: cpu }, ...compiled]) {
  for (const method of SOME[name] ?? METHOD_NAMES) {
    Deno.test(`${name}: ${method} trains and answers without padding as it does with it`, async () => {
      const model = modelOf(method), tolerance = { abs: 1e-4, rel: 1e-3 };
      // On coarse grids a number halfway between two points may go either way, and Adam makes much of it.
      const steps = method.startsWith("blora") ? 1 : STEPS;
      const whole = await train(device, model, steps, padded);
      const packed = await train(device, model, steps, (program) => elastic(device, program));
      assertClose(float32([steps], packed.losses), float32([steps], whole.losses), "losses", tolerance);
      assertClose(packed.logits, whole.logits, "logits", { abs: steps === 1 ? 1e-2 : 5e-4, rel: 1e-3 });
      for (const [register, value] of Object.entries(packed.renewed)) {
        assertClose(value, whole.renewed[register]!, register, { abs: 1e-4, rel: 1e-2 });
      }
    });
  }
}
