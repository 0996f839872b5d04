import assert from "node:assert/strict";
import { join } from "node:path";
import { encoderShapes, headShapes } from "../deberta/config.ts";
import { writeSafetensors } from "../deberta/safetensors.ts";
import { ProgramCache } from "../engines/program_cache.ts";
import { assertSameBits } from "../engines/testing.ts";
import { TemporaryFolder } from "../graph/toy/rig.ts";
import { attachMethod } from "../peft/registry.ts";
import { Stream } from "../random/stream.ts";
import { float32 } from "../tensor/host_tensor.ts";
import type { EncodedExample } from "./batches.ts";
import { checkpointsIn } from "./checkpoint.ts";
import { fineTune, type FineTuneCheckpoint, type FineTuned, type FineTuneInput } from "./fine_tune.ts";
import { initializeModel } from "./initialize.ts";
import { CLS, portable, SEP, TINY, watched } from "./testing.ts";

const examples = (count: number, split: string): EncodedExample[] =>
  Array.from({ length: count }, (_, i) => {
    const stream = new Stream("checkpoints", split, i);
    return {
      ids: [CLS, ...Array.from({ length: 2 + stream.below(4) }, () => 3 + stream.below(12)), SEP],
      label: i % 2,
    };
  });

const ALWAYS = { every: 0, each: 0 };
const PER_EPOCH = 5, EPOCHS = 4;

function inputOf(method: string, options = {}): Omit<FineTuneInput, "programs"> {
  const config = { ...TINY, hiddenDropout: 0.1 };
  return {
    model: { config, adapter: attachMethod(method, config, options), labels: 2, classifierDropout: 0.1 },
    modelKey: method,
    task: "sst2",
    train: examples(8 * PER_EPOCH - 3, "train"),
    dev: { dev: examples(12, "dev") },
    weights: initializeModel({ ...encoderShapes(config), ...headShapes(config, 2) }, 0.2, 1),
    settings: {
      seed: 1,
      epochs: EPOCHS,
      batch: 8,
      learningRate: 0.03,
      gateLearningRate: 0.1,
      weightDecay: 0.01,
      warmup: 2,
      maxNorm: 1,
      lengths: [6, 8],
    },
  };
}

/** Runs until so many steps were begun, and stops as a process does that is killed. */
async function killedAfter(steps: number, input: Omit<FineTuneInput, "programs">): Promise<void> {
  let begun = 0;
  const device = watched(async (feeds, run) => {
    if (feeds.labels && begun++ === steps) throw new Error("killed");
    return await run();
  });
  await assert.rejects(fineTune({ ...input, programs: new ProgramCache(device) }), /^Error: killed$/);
}

function assertSame(made: FineTuned, expected: FineTuned): void {
  const { trained, ...rest } = made, { trained: wanted, ...others } = expected;
  assert.deepEqual(rest, others);
  assertSameBits(trained, wanted, "what trained");
}

const METHODS: readonly (readonly [method: string, options?: Record<string, number>])[] = [
  ["lora"],
  ["full-ft"],
  ["blora", { rank: 2 }],
  ["adalora", { initRank: 4, targetRank: 2, tInit: 0.2, tFinal: 0.3, deltaT: 0.1 }],
  ["roselora", { rank: 2 }],
  ["qlora", { rank: 2 }],
];

for (const [method, options] of METHODS) {
  Deno.test(`A run of ${method} that is killed, again and again, ends with the bits of one that is not`, async () => {
    await using folder = new TemporaryFolder();
    const input = inputOf(method, options), checkpoints = checkpointsIn<FineTuneCheckpoint>(folder.path, ALWAYS);
    const expected = await fineTune({ ...input, programs: new ProgramCache(portable) });
    assert.equal(expected.steps, PER_EPOCH * EPOCHS);
    let done = 0;
    // In an epoch, before the step after one, late where ranks are settled, and before the last step.
    for (const steps of [3, PER_EPOCH, 2 * PER_EPOCH + 2, 3 * PER_EPOCH + 1, PER_EPOCH * EPOCHS - 1]) {
      await killedAfter(steps - done, { ...input, checkpoints });
      assert.equal((await checkpoints.load())!.steps, steps);
      done = steps;
    }
    assertSame(await fineTune({ ...input, programs: new ProgramCache(portable), checkpoints }), expected);
  });
}

const some: FineTuneCheckpoint = {
  steps: 3,
  loss: 0.1 + 0.2,
  epochs: [{ epoch: 1, loss: 1 / 3, scores: { accuracy: 0.5 }, score: 0.5 }],
  best: null,
  memory: { kept: [[true, false]] },
  parts: { registers: { "p:weights": float32([2], [1, -0]) }, table: {}, best: { "a/b": float32([1], [2]) } },
};

Deno.test("Checkpoints give back what they were offered, to the last bit", async () => {
  await using folder = new TemporaryFolder();
  const checkpoints = checkpointsIn<FineTuneCheckpoint>(folder.path, ALWAYS);
  assert.equal(await checkpoints.load(), null);
  await checkpoints.offer(() => some);
  assert.deepEqual(await checkpoints.load(), some);
  await checkpoints.offer(() => ({ ...some, steps: 4 }));
  assert.equal((await checkpoints.load())!.steps, 4);
});

Deno.test("Checkpoints are not made before it is time", async () => {
  await using folder = new TemporaryFolder();
  const checkpoints = checkpointsIn(folder.path, { every: 3600, each: 0 });
  await checkpoints.offer(() => assert.fail("made too early"));
  assert.equal(await checkpoints.load(), null);
});

Deno.test("A damaged checkpoint counts as none, and one that cannot be written does no harm", async () => {
  await using folder = new TemporaryFolder();
  const checkpoints = checkpointsIn(folder.path, ALWAYS), path = join(folder.path, "checkpoint.safetensors");
  await checkpoints.offer(() => some);
  await Deno.truncate(path, (await Deno.stat(path)).size - 1);
  assert.equal(await checkpoints.load(), null);
  const old = { "registers/p:weights": float32([1], [1]) };
  for (const run of ["{", "null", JSON.stringify({ steps: 3 }), JSON.stringify({ steps: 3, format: 1, parts: [] })]) {
    await Deno.writeFile(path, writeSafetensors(old, { run }));
    assert.equal(await checkpoints.load(), null, run);
  }
  await Deno.writeTextFile(join(folder.path, "file"), "");
  await checkpointsIn(join(folder.path, "file"), ALWAYS).offer(() => some);
});
