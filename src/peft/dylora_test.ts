import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { packTokens } from "../deberta/packing.ts";
import type { Noise } from "../engines/engine.ts";
import { assertAllClose, assertSameBits, cpu, runOnce } from "../engines/testing.ts";
import { InputError } from "../errors.ts";
import { float32, type HostTensor, type HostTensors } from "../tensor/host_tensor.ts";
import { evaluateProgram, logitsOf, type Model, openPass, taskLoss } from "../training/model.ts";
import { firstRanks } from "./dylora.ts";
import { attachMethod } from "./registry.ts";
import { batch, config, labels, load, modelOf, smoothPoint } from "./testing.ts";

const rank = 3, alpha = 6, target = "all6", RANKS = [1, 2, 3];
const dylora = modelOf("dylora", { rank, alpha, target }, 0), point = await smoothPoint(dylora);
const loraOf = (b: number): Model => modelOf("lora", { rank: b, alpha, target }, 0);

/** The first b rows of A and columns of B, as tensors of their own; others as they are. */
function cut(name: string, { shape, data }: HostTensor, b: number): HostTensor {
  if (name.includes(".lora_A.")) return float32([b, shape[1]!], data.slice(0, b * shape[1]!));
  if (name.includes(".lora_B.")) return float32([shape[0]!, b], data.filter((_, i) => i % rank < b));
  return { dtype: "float32", shape, data: data as Float32Array };
}

const cutAll = (tensors: HostTensors, b: number): HostTensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, cut(name, tensor, b)]));

/** The loss of a training step that draws u, and its gradient to the method's parameters. Counts the draws. */
function trainingStep(model: Model, tensors: HostTensors, u: number) {
  let draws = 0;
  const noise: Noise = {
    dropout: (name) => assert.fail(`${name} is drawn without dropout`),
    uniform: (_, shape) => (draws++, tf.fill(shape.slice(), u)),
  };
  const { parameters } = model.adapter, names = Object.keys(parameters);
  tf.setBackend("cpu");
  const { loss, gradients } = tf.tidy(() => {
    const given = Object.fromEntries(
      Object.entries({ ...tensors, ...packTokens(batch.ids!, batch.mask!), ...labels }).map(
        ([name, { data, shape, dtype }]) => {
          return [name, tf.tensor(data, shape.slice(), dtype)];
        },
      ),
    );
    const objective = (...own: tf.Tensor[]) => {
      const tensor = (name: string) => own[names.indexOf(name)] ?? given[name]!;
      const { pass } = openPass(model, { mode: "train", noise, tensor });
      return taskLoss(logitsOf(model, pass, given), given.labels!, given.weights!) as tf.Scalar;
    };
    const { value, grads } = tf.valueAndGrads(objective)(names.map((name) => given[name]!));
    return { loss: value.dataSync()[0]!, gradients: grads.map((gradient) => gradient.dataSync() as Float32Array) };
  });
  const named = names.map((name, i) => [name, float32(parameters[name]!.shape, gradients[i])] as const);
  return { loss, gradients: Object.fromEntries(named), draws };
}

async function logits(model: Model, tensors: HostTensors): Promise<HostTensors> {
  load(model, cpu, tensors);
  const [size, length] = batch.ids!.shape as [number, number];
  const made = await runOnce(cpu, evaluateProgram(model, size, length), batch);
  cpu.clear();
  return made;
}

for (const b of RANKS) {
  Deno.test(`a step of dylora that draws rank ${b} of ${rank} is LoRA's with the first ${b} ranks alone`, () => {
    const ours = trainingStep(dylora, point, (b - 0.5) / rank), theirs = trainingStep(loraOf(b), cutAll(point, b), 0);
    assert.equal(ours.draws, 1); // one rank for all modules
    assert.ok(Math.abs(ours.loss - theirs.loss) < 1e-5);
    assertAllClose(cutAll(ours.gradients, b), theirs.gradients, "gradient", { abs: 1e-5, rel: 1e-4 });
    for (const [name, { shape, data }] of Object.entries(ours.gradients)) {
      const rankOf = (i: number) => name.includes(".lora_A.") ? Math.floor(i / shape[1]!) : i % rank;
      assert.ok(data.every((x, i) => rankOf(i) < b || x === 0), `${name} trains ranks that were not drawn`);
    }
  });

  Deno.test(`dylora evaluated at rank ${b} of ${rank} is LoRA of that rank, merged or not`, async () => {
    const model = modelOf("dylora", { rank, alpha, target, evaluateRank: b }, 0), lora = loraOf(b);
    const made = await logits(model, point);
    assertSameBits(made, await logits(lora, cutAll(point, b)), `rank ${b}`);
    assertSameBits(model.adapter.merge!(point, point), lora.adapter.merge!(point, cutAll(point, b)), `rank ${b}`);
    assert.ok(model.adapter.observe({}).every((site) => site.rank === b && site.maxRank === rank));
  });
}

Deno.test("firstRanks() keeps the first ceil(u r) ranks, so at least one and at most all", () => {
  const grid = (k: number) => (k + 0.5) / 8388608; // what Stream.uniform() can return
  const kept = (k: number, rank: number) => tf.tidy(() => firstRanks(tf.fill([1, 1], grid(k)), rank).dataSync());
  fc.assert(fc.property(fc.integer({ min: 0, max: 8388607 }), fc.integer({ min: 1, max: 64 }), (k, rank) => {
    const count = Math.ceil(Math.fround(grid(k) * rank));
    assert.deepEqual([...kept(k, rank)], Array.from({ length: rank }, (_, i) => i < count ? 1 : 0));
  }));
  for (const rank of [1, 3, 8]) {
    assert.equal(kept(0, rank).indexOf(0), rank === 1 ? -1 : 1);
    assert.equal(kept(8388607, rank).indexOf(0), -1);
  }
});

Deno.test("dylora refuses to evaluate at a rank that it does not train, and takes its own rank if it is told none", () => {
  assert.throws(() => attachMethod("dylora", config, { rank: 4, evaluateRank: 5 }), (error) => {
    assert.ok(error instanceof InputError);
    assert.equal(
      error.message,
      'Options of method "dylora": evaluateRank: "5" is more than the rank "4" that trains',
    );
    return true;
  });
  assert.ok(attachMethod("dylora", config, { rank: 4 }).observe({}).every((site) => site.rank === 4));
});

Deno.test("dylora saves what PEFT reads as LoRA of all ranks, unless it is evaluated at fewer", () => {
  const saved = (evaluateRank: number) => attachMethod("dylora", config, { rank: 4, evaluateRank }).save({}).config;
  assert.deepEqual(saved(4), attachMethod("lora", config, { rank: 4 }).save({}).config);
  assert.deepEqual([saved(2).peft_type, saved(2).r, saved(2).evaluate_rank], ["DYLORA", 4, 2]);
});
