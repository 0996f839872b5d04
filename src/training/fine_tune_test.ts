import assert from "node:assert/strict";
import { encoderShapes, headShapes } from "../deberta/config.ts";
import { ProgramCache } from "../engines/program_cache.ts";
import { assertSameBits } from "../engines/testing.ts";
import { attachMethod } from "../peft/registry.ts";
import { Stream } from "../random/stream.ts";
import { float32, type HostTensor, type HostTensors } from "../tensor/host_tensor.ts";
import type { EncodedExample } from "./batches.ts";
import { fineTune, type FineTuneInput } from "./fine_tune.ts";
import { initializeModel } from "./initialize.ts";
import { flatten } from "./layout.ts";
import { layoutOf, type Model } from "./model.ts";
import { stateRegisters } from "./step.ts";
import { CLS, portable, SEP, TINY, watched } from "./testing.ts";

const programs = new ProgramCache(portable), LENGTHS = [6, 8];

/** Texts that are of class 1 if the word 5 stands in them, and of class 0 if the word 6 does. */
function examples(count: number, split: string): EncodedExample[] {
  return Array.from({ length: count }, (_, i) => {
    const stream = new Stream("separable", split, i), label = i % 2;
    const words = Array.from({ length: 2 + stream.below(4) }, () => 7 + stream.below(9));
    words[stream.below(words.length)] = label === 1 ? 5 : 6;
    return { ids: [CLS, ...words, SEP], label };
  });
}

const train = examples(64, "train"), dev = examples(24, "dev");
const flipped = dev.map(({ ids, label }) => ({ ids, label: 1 - label }));

const modelOf = (method: string, options = {}, labels = 2): Model => ({
  config: TINY,
  adapter: attachMethod(method, TINY, options),
  labels,
  classifierDropout: 0.1,
});
const weightsFor = (labels: number): HostTensors =>
  initializeModel({ ...encoderShapes(TINY), ...headShapes(TINY, labels) }, 0.2, 1);

const settings: FineTuneInput["settings"] = {
  seed: 1,
  epochs: 6,
  batch: 8,
  learningRate: 0.03,
  gateLearningRate: 0.02,
  weightDecay: 0.01,
  warmup: 2,
  maxNorm: 1,
  lengths: LENGTHS,
};
const base: FineTuneInput = {
  programs,
  model: modelOf("full-ft"),
  modelKey: "full-ft",
  task: "sst2",
  train,
  dev: { dev },
  weights: weightsFor(2),
  settings,
};

/** A run with some of its settings changed. */
const tune = (changes: Partial<FineTuneInput["settings"]> = {}, input: Partial<FineTuneInput> = {}) =>
  fineTune({ ...base, ...input, settings: { ...settings, ...changes } });

Deno.test("fineTune() learns a task whose classes a word tells apart, and reports every epoch", async () => {
  const seen: number[] = [];
  const run = await tune({}, { onProgress: (fraction) => seen.push(fraction) });
  assert.deepEqual(run.outcome, { kind: "ok" });
  assert.equal(run.steps, 48);
  assert.deepEqual(run.epochs.map(({ epoch }) => epoch), [1, 2, 3, 4, 5, 6]);
  assert.equal(run.last, run.epochs[5]);
  assert.ok(run.best!.score >= 0.95, `the best epoch scores ${run.best!.score}`);
  assert.deepEqual(run.best!.scores, { accuracy: run.best!.score });
  assert.ok(run.last!.loss < 0.5 * run.epochs[0]!.loss, run.epochs.map(({ loss }) => loss).join(", "));
  assert.equal(seen.length, 48);
  assert.equal(seen.at(-1), 1);
});

Deno.test("fineTune() gives the same bits twice, and other bits from another seed", async () => {
  const [first, second, other] = [
    await tune({ epochs: 1 }),
    await tune({ epochs: 1 }),
    await tune({ epochs: 1, seed: 2 }),
  ];
  assert.deepEqual(second.epochs, first.epochs);
  assertSameBits(second.trained, first.trained, "what trained");
  assert.notDeepEqual(other.trained, first.trained);
});

Deno.test("fineTune() learns the same in parts, of which none has more tokens than are allowed at once", async () => {
  const shapes = new Set<string>();
  const device = watched(async (feeds, run) => {
    if (feeds.labels) shapes.add(String(feeds.ids!.shape));
    return await run();
  });
  const run = await tune({ tokensAtOnce: 20 }, { programs: new ProgramCache(device) });
  assert.deepEqual([...shapes].sort(), ["2,6", "2,8"]);
  assert.deepEqual(run.outcome, { kind: "ok" });
  assert.ok(run.best!.score >= 0.95, `the best epoch scores ${run.best!.score}`);
});

Deno.test("fineTune() trains B-LoRA from measured ranges, on a regression, to the same bits twice", async () => {
  const score = ({ ids, label }: EncodedExample, i: number) => ({ ids, label: 4 * label + i % 3 / 2 });
  const model = modelOf("blora", { rank: 2 }, 1);
  const input = {
    model,
    modelKey: "blora",
    task: "stsb",
    train: train.map(score),
    dev: { dev: dev.map(score) },
  } as const;
  const run = () => tune({ epochs: 2 }, { ...input, weights: weightsFor(1) });
  const first = await run(), second = await run();
  assert.deepEqual(second.epochs, first.epochs);
  assertSameBits(second.trained, first.trained, "what trained");
  assert.deepEqual(first.outcome, { kind: "ok" });
  assert.deepEqual(Object.keys(first.best!.scores), ["pearson", "spearman"]);
  assert.ok(Object.values(first.trained).every(({ data }) => data.every(Number.isFinite)));
});

Deno.test("fineTune() takes no checkpoint for the best from before the method has settled", async () => {
  const flips = { dev: { dev: flipped } },
    best = async (settles: (total: number) => number) => {
      const adapter = { ...base.model.adapter, settles };
      return (await tune({}, { ...flips, model: { ...base.model, adapter }, modelKey: "settles" })).best!.epoch;
    };
  const free = await best(() => 0);
  assert.ok(free < 6, "without a limit an earlier epoch is best");
  assert.equal(await best((total) => total), 6);
  assert.equal(await best((total) => total + 1), 6);
});

Deno.test("fineTune() keeps the best epoch's tensors, not the last ones", async () => {
  const weights: HostTensor[] = [];
  const device = watched((feeds, run) => {
    if (!("labels" in feeds)) weights.push(portable.read(stateRegisters("weights").p));
    return run();
  });
  // Learning the task makes it worse on a development set whose labels are turned around.
  const run = await tune({}, { programs: new ProgramCache(device), dev: { dev: flipped } });
  assert.ok(run.best!.epoch < 6 && run.best!.score > run.last!.score, "the last epoch is the worse one");
  assert.equal(weights.length, 6);
  const kept = flatten(layoutOf({ ...base.model, tableByRows: true }), run.trained).weights;
  assert.deepEqual(kept, weights[run.best!.epoch - 1]!.data);
  assert.notDeepEqual(kept, weights[5]!.data);
});

Deno.test("fineTune() calls the first of equally good epochs the best, and a run that answers one thing collapsed", async () => {
  const head = { "classifier.weight": float32([2, 8]), "classifier.bias": float32([2], [0, 1]) };
  const run = await tune({ learningRate: 0 }, { weights: { ...base.weights, ...head } });
  assert.deepEqual(run.outcome, { kind: "collapsed" });
  assert.equal(run.best, run.epochs[0]);
  assert.equal(run.epochs.length, 6);
  assert.equal(run.best!.score, 0.5);
});

Deno.test("fineTune() says in which step a run diverged that has an absurd learning rate", async () => {
  const run = await tune({ learningRate: 1e30, warmup: 0 });
  assert.equal(run.outcome.kind, "diverged");
  assert.deepEqual(run.outcome, { kind: "diverged", step: run.steps });
  assert.ok(run.steps >= 2 && run.steps <= 8, `it took ${run.steps} steps`);
  assert.deepEqual([run.epochs, run.best, run.last], [[], null, null]);
  const start = await tune({ learningRate: 0, weightDecay: 0, epochs: 1 });
  assertSameBits(run.trained, start.trained, "what it leaves is its start");
});

Deno.test("fineTune() keeps the epochs before a divergence", async () => {
  let trained = 0;
  const device = watched(async (feeds, run) => {
    const outputs = await run();
    return "labels" in feeds && ++trained === 10 ? { ...outputs, loss: float32([], [Infinity]) } : outputs;
  });
  const run = await tune({}, { programs: new ProgramCache(device) }), sound = await tune();
  assert.deepEqual(run.outcome, { kind: "diverged", step: 10 });
  assert.equal(run.steps, 10);
  assert.deepEqual(run.epochs, sound.epochs.slice(0, 1));
  assert.deepEqual([run.best, run.last], [run.epochs[0], run.epochs[0]]);
});

Deno.test("fineTune() reports a model as diverged whose answers are no numbers", async () => {
  const device = watched(async (_, run) => {
    const outputs = await run();
    return outputs.logits ? { logits: float32(outputs.logits.shape, [...outputs.logits.data].fill(NaN)) } : outputs;
  });
  const run = await tune({}, { programs: new ProgramCache(device) });
  assert.deepEqual([run.outcome, run.epochs], [{ kind: "diverged", step: 8 }, []]);
});

Deno.test("fineTune() leaves everything as it was when nothing may change", async () => {
  const { trained } = await tune({ learningRate: 0, epochs: 1 });
  assertSameBits(trained, base.weights, "what trained");
});
