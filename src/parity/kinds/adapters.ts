/** `adapters`: bottleneck adapters after Houlsby and Pfeiffer, trained with the classifier: logits, loss, gradients, counts. */
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { attachMethod } from "../../peft/registry.ts";
import { float32, sizeOf } from "../../tensor/host_tensor.ts";
import { type Model, trainablesOf } from "../../training/model.ts";
import type { Checker } from "../checker.ts";
import { configOf, tensorsOf } from "../fixture.ts";
import { backward, forward, ModelConfig, plainModel, readBatch } from "../model_fixture.ts";

const Config = z.object({
  model: ModelConfig,
  adapter: z.object({
    variant: z.enum(["houlsby", "pfeiffer"]),
    bottleneck: z.int().positive(),
    activation: z.literal("gelu (erf)"),
    inner_residual: z.literal(true),
  }),
});

/** The fixtures leave the pooler frozen. */
const HEAD = ["classifier.weight", "classifier.bias"];

export const check: Checker = async (fixture, report, context) => {
  const { model: parsed, adapter: { variant, bottleneck } } = configOf(fixture, Config);
  const adapter = attachMethod(variant, parsed.config, { bottleneck });
  const model: Model = { ...plainModel(parsed), adapter, trainsHead: HEAD };
  const trained = tensorsOf(fixture, "adapter"), ours = Object.keys(adapter.parameters);
  if (Object.keys(trained).toSorted().join() !== ours.toSorted().join()) {
    throw new InputError(`Cannot check "${fixture.folder}": its adapters are not where "${variant}" has them`);
  }
  const subject = { model, tensors: { ...tensorsOf(fixture, "base_weights"), ...trained } };
  const batch = readBatch(tensorsOf(fixture, "inputs"));

  const seen = await forward(context, subject, batch);
  report.tensor("expected.logits", seen.logits!);
  const [examples, length] = batch.ids.shape as [number, number], { hidden, layers } = parsed.config;
  const { data } = seen[`hidden_states.${layers}`]!; // [B S, D], of which the first token's rows count
  const first = Float32Array.from({ length: examples * hidden }, (_, i) => {
    return data[Math.floor(i / hidden) * length * hidden + i % hidden]!;
  });
  report.tensor("expected.last_hidden_state_cls", float32([examples, hidden], first));

  const trainables = trainablesOf(model), names = trainables.map(({ name }) => name);
  const { loss, gradients } = await backward(context, subject, batch, names);
  report.value("scalars.expected.loss", loss);
  for (const name of names) report.tensor(`grad.${name}`, gradients[name]!);

  const count = (counted: (name: string) => boolean) =>
    trainables.reduce((sum, { name, shape }) => counted(name) ? sum + sizeOf(shape) : sum, 0);
  report.value("scalars.expected.trainable_parameters", {
    adapters: count((name) => ours.includes(name)),
    classifier_head: count((name) => HEAD.includes(name)),
  });
};
