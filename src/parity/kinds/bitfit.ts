/** `bitfit`: which parameters train when only biases and the classifier do, and their gradients. */
import { z } from "zod";
import { attachMethod } from "../../peft/registry.ts";
import { sizeOf } from "../../tensor/host_tensor.ts";
import { type Model, trainablesOf } from "../../training/model.ts";
import type { Checker } from "../checker.ts";
import { configOf, tensorsOf } from "../fixture.ts";
import { backward, forward, ModelConfig, plainModel, readBatch } from "../model_fixture.ts";

/** Head tensors that train besides: BitFit takes the pooler for a part of the backbone, of which only the bias trains. */
const HEAD = ["pooler.dense.bias", "classifier.weight", "classifier.bias"];

export const check: Checker = async (fixture, report, context) => {
  const parsed = configOf(fixture, z.object({ model: ModelConfig })).model;
  const model: Model = {
    ...plainModel(parsed),
    adapter: attachMethod("bitfit", parsed.config),
    trainsHead: HEAD,
  };
  const subject = { model, tensors: tensorsOf(fixture, "base_weights") };
  const batch = readBatch(tensorsOf(fixture, "inputs"));

  const trained = trainablesOf(model), names = trained.map(({ name }) => name);
  const count = (some: typeof trained) => some.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const head = count(trained.filter(({ name }) => name.startsWith("classifier."))), total = count(trained);
  report.value("scalars.expected.trainable_names", names);
  report.value("scalars.expected.trainable_parameters", {
    bias_without_head: total - head,
    classifier_head: head,
    total,
  });

  const { logits } = await forward(context, subject, batch);
  report.tensor("expected.logits", logits!);
  const { loss, gradients } = await backward(context, subject, batch, names);
  report.value("scalars.expected.loss", loss);
  for (const name of names) report.tensor(`grad.${name}`, gradients[name]!);
};
