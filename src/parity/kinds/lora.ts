/** `lora`: PEFT's LoRA, from its own adapter file: trained, switched off, without effect, and merged. */
import { z } from "zod";
import { type DebertaConfig, encoderShapes, headShapes } from "../../deberta/config.ts";
import { InputError } from "../../errors.ts";
import { adaptedModules, peftName, type Target, TARGET_NAMES } from "../../peft/method.ts";
import { readPeft } from "../../peft/peft_file.ts";
import { attachMethod } from "../../peft/registry.ts";
import { float32, type HostTensors, sizeOf } from "../../tensor/host_tensor.ts";
import { type Model, trainablesOf } from "../../training/model.ts";
import type { Checker } from "../checker.ts";
import { configOf, tensorsOf } from "../fixture.ts";
import { backward, forward, ModelConfig, plainModel, readBatch } from "../model_fixture.ts";

const Config = z.object({
  model: ModelConfig,
  lora: z.object({
    r: z.int().positive(),
    lora_alpha: z.number(),
    lora_dropout: z.literal(0),
    target_modules: z.array(z.string()),
    bias: z.literal("none"),
  }),
});

/** With this task type PEFT trains and saves the classifier, and leaves the pooler frozen. */
const HEAD = ["classifier.weight", "classifier.bias"];

export const check: Checker = async (fixture, report, context) => {
  const { model: parsed, lora: { r: rank, lora_alpha: alpha, target_modules } } = configOf(fixture, Config);
  const target = presetOf(parsed.config, target_modules);
  if (target === undefined) {
    throw new InputError(`Cannot check "${fixture.folder}": no preset adapts "${target_modules}" alone`);
  }
  const plain = plainModel(parsed), adapter = attachMethod("lora", parsed.config, { rank, alpha, target });
  const model: Model = { ...plain, adapter, trainsHead: HEAD };
  const base = tensorsOf(fixture, "base_weights"), batch = readBatch(tensorsOf(fixture, "inputs"));
  const trained = readPeft(tensorsOf(fixture, "adapter_model"), "adapter_model.safetensors");
  const head = Object.fromEntries(HEAD.map((name) => [name, trained[name]!]));

  const without = Object.fromEntries(
    Object.entries(trained).filter(([name]) => name.includes(".lora_B.")).map((
      [name, { shape }],
    ) => [name, float32(shape)]),
  );

  const tensors = { ...base, ...trained };
  const logits = async (model: Model, tensors: HostTensors) =>
    (await forward(context, { model, tensors }, batch)).logits!;
  report.tensor("expected.logits", await logits(model, tensors));
  report.tensor("expected.logits_adapter_disabled", await logits(plain, base));
  report.tensor("expected.logits_zero_update_trained_head", await logits(model, { ...tensors, ...without }));
  const merged = adapter.merge!(base, trained);
  for (const [name, tensor] of Object.entries(merged)) report.tensor(`expected.merged.${name}`, tensor);
  report.tensor("expected.logits_merged", await logits(plain, { ...base, ...head, ...merged }));

  const trainables = trainablesOf(model), names = trainables.map(({ name }) => name);
  const { loss, gradients } = await backward(context, { model, tensors }, batch, names);
  report.value("scalars.expected.loss", loss);
  for (const name of names) report.tensor(`grad.${peftName(name)}`, gradients[name]!);

  const count = (shapes: Iterable<readonly number[]>) => [...shapes].reduce((sum, shape) => sum + sizeOf(shape), 0);
  const ofMethod = count(Object.values(adapter.parameters).map(({ shape }) => shape));
  const all = count(trainables.map(({ shape }) => shape));
  const ofBase = count(Object.values({ ...encoderShapes(parsed.config), ...headShapes(parsed.config, parsed.labels) }));
  report.value("scalars.expected.trainable_parameters", {
    lora: ofMethod,
    classifier_head: all - ofMethod,
    lora_plus_head: all,
    // PEFT keeps the base model's own head beside the one it trains.
    peft_all_params: ofBase + all,
    adapted_modules: adapter.observe({}).length,
  });
};

/** The preset that adapts just what PEFT's list does; PEFT compares names from the end. */
function presetOf(config: DebertaConfig, targets: readonly string[]): Target | undefined {
  const namesOf = (target: Target) => adaptedModules(config, target).map(({ module }) => module);
  const meant = namesOf("all6").filter((module) => targets.some((name) => module.endsWith(`.${name}`)));
  return TARGET_NAMES.find((target) => namesOf(target).join() === meant.join());
}
