/** `deberta-forward`: what transformers computes on the way through DeBERTaV3, and the gradient of every parameter. */
import { layerName } from "../../deberta/config.ts";
import { relativeBuckets } from "../../deberta/relative_position.ts";
import { int32 } from "../../tensor/host_tensor.ts";
import { trainablesOf } from "../../training/model.ts";
import type { Checker } from "../checker.ts";
import { configOf, tensorsOf } from "../fixture.ts";
import { backward, forward, ModelConfig, plainModel, readBatch } from "../model_fixture.ts";

export const check: Checker = async (fixture, report, context) => {
  const parsed = configOf(fixture, ModelConfig), model = plainModel(parsed);
  const subject = { model, tensors: tensorsOf(fixture, "weights") }, batch = readBatch(tensorsOf(fixture, "inputs"));
  const { hidden, heads, layers, positionBuckets, maxPosition } = parsed.config;
  const [B, S] = batch.ids.shape as [number, number], mask = batch.mask.data;

  const seen = await forward(context, subject, batch);
  report.tensor("expected.logits", seen.logits!);
  report.tensor("expected.pooled", seen.pooled!);
  report.tensor("expected.rel_embeddings_normed", seen.rel_embeddings_normed!);
  // What implementations make of padded positions differs, and nothing reads it; only the embeddings are zero there.
  const tokens = Uint8Array.from({ length: B * S * hidden }, (_, i) => mask[Math.floor(i / hidden)]!);
  for (let i = 0; i <= layers; i++) {
    const name = `hidden_states.${i}`, states = { ...seen[name]!, shape: [B, S, hidden] };
    report.tensor(`expected.${name}`, states, i === 0 ? {} : { where: tokens });
  }
  const queries = Uint8Array.from({ length: B * heads * S * S }, (_, i) => {
    return mask[Math.floor(i / (heads * S * S)) * S + Math.floor(i / S) % S]!;
  });
  for (let i = 0; i < layers; i++) {
    report.tensor(`expected.attentions.${i}`, seen[`attentions.${layerName(i)}`]!, { where: queries });
  }
  const buckets = relativeBuckets(S, positionBuckets, maxPosition);
  const table = Int32Array.from({ length: S * S }, (_, i) => buckets[Math.floor(i / S) - i % S + S - 1]!);
  report.tensor("expected.rel_pos_buckets", int32([S, S], table));

  const names = trainablesOf(model).map(({ name }) => name);
  const { loss, gradients } = await backward(context, subject, batch, names);
  report.value("scalars.expected.loss", loss);
  for (const name of names) report.tensor(`grad.${name}`, gradients[name]!);
};
