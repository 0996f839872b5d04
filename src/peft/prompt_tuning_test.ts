import assert from "node:assert/strict";
import { assertClose, cpu, runOnce } from "../engines/testing.ts";
import { float32, type HostTensor, type HostTensors, int32 } from "../tensor/host_tensor.ts";
import { evaluateProgram, type Model } from "../training/model.ts";
import { startingTensors } from "../training/start.ts";
import { batch, config, load, modelOf, weights } from "./testing.ts";

async function logits(model: Model, tensors: HostTensors, inputs: HostTensors): Promise<HostTensor> {
  load(model, cpu, tensors);
  const [size, length] = inputs.ids!.shape as [number, number];
  const made = await runOnce(cpu, evaluateProgram(model, size, length), inputs);
  cpu.clear();
  return made.logits!;
}

/** A row of the embedding table after the model's LayerNorm. */
function embedded(token: number): number[] {
  const D = config.hidden, read = (name: string) => weights[`deberta.embeddings.${name}`]!.data;
  const row = Array.from(read("word_embeddings.weight").subarray(token * D, (token + 1) * D));
  const mean = row.reduce((a, b) => a + b) / D, variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / D;
  const gamma = read("LayerNorm.weight"), beta = read("LayerNorm.bias");
  return row.map((x, i) => (x - mean) / Math.sqrt(variance + config.layerNormEps) * gamma[i]! + beta[i]!);
}

/** The batch with tokens put in after the first of each text. */
function withTokens(tokens: readonly number[]): HostTensors {
  const [size, length] = batch.ids!.shape as [number, number];
  const insert = (data: ArrayLike<number>, added: readonly number[]) =>
    Array.from({ length: size }, (_, i) => {
      const row = Array.from(data).slice(i * length, (i + 1) * length);
      return [row[0]!, ...added, ...row.slice(1)];
    }).flat();
  const shape = [size, length + tokens.length];
  return {
    ids: int32(shape, insert(batch.ids!.data, tokens)),
    mask: float32(shape, insert(batch.mask!.data, tokens.map(() => 1))),
  };
}

Deno.test("a prompt made of the embeddings of real tokens does what those tokens do after the first one", async () => {
  const model = modelOf("prompt-tuning", { tokens: 2 }), plain = modelOf("bitfit", {}), tokens = [7, 16];
  const start = startingTensors(model, weights, 1, {});
  assert.equal(model.adapter.virtualTokens, tokens.length);
  const prompt = float32([2, config.hidden], tokens.flatMap(embedded));
  const made = await logits(model, { ...start, prompt_embeddings: prompt }, batch);
  assertClose(made, await logits(plain, weights, withTokens(tokens)), "logits", { abs: 1e-5, rel: 1e-5 });
  const swapped = await logits(plain, weights, withTokens([...tokens].reverse()));
  assert.ok(made.data.some((x, i) => Math.abs(x - swapped.data[i]!) > 1e-4), "the order of a prompt counts");
});

Deno.test("a prompt starts at tokens of the vocabulary, others for another seed", () => {
  const model = modelOf("prompt-tuning", { tokens: 5 }), D = config.hidden;
  const start = (seed: number) => startingTensors(model, weights, seed, {}).prompt_embeddings!;
  const vocabulary = Array.from({ length: config.vocabulary }, (_, token) => embedded(token));
  const tokens = (seed: number) =>
    Array.from({ length: 5 }, (_, t) => {
      const row = start(seed).data.subarray(t * D, (t + 1) * D);
      return vocabulary.findIndex((known) => known.every((x, i) => Math.abs(x - row[i]!) < 1e-5));
    });
  assert.ok([...tokens(1), ...tokens(2)].every((token) => token >= 0));
  assert.notDeepEqual(tokens(1), tokens(2));
  assert.deepEqual(start(1), start(1));
});

Deno.test("a random prompt starts within half a unit of zero", () => {
  const { data } = startingTensors(modelOf("prompt-tuning", { start: "random" }), weights, 1, {}).prompt_embeddings!;
  assert.ok(data.every((x) => Math.abs(x) <= 0.5) && data.some((x) => Math.abs(x) > 0.4));
});
