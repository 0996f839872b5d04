/** `adalora`: PEFT's AdaLoRA step by step: losses, budgets, allocated ranks, importances, and what is left in the end. */
import { z } from "zod";
import { openEngine, parseEngineName } from "../../engines/open.ts";
import { InputError } from "../../errors.ts";
import { allocatesAt, budgetAt, deviationOf, meanOf, planBudget, scoresOf } from "../../peft/adalora_budget.ts";
import { livingOf } from "../../peft/adalora_saved.ts";
import { families, saveFamilies } from "../../peft/family.ts";
import { peftName } from "../../peft/method.ts";
import { attachMethod } from "../../peft/registry.ts";
import { float32, type HostTensor, type HostTensors } from "../../tensor/host_tensor.ts";
import { registersOf } from "../../training/fine_tune.ts";
import { unflatten } from "../../training/layout.ts";
import { evaluateProgram, fineTuneProgram, layoutOf, type Model, taskLoss } from "../../training/model.ts";
import { startRegisters } from "../../training/start.ts";
import { stateRegisters, stepFeeds } from "../../training/step.ts";
import type { Checker } from "../checker.ts";
import { configOf, tensorsOf } from "../fixture.ts";
import { forward, ModelConfig, plainModel, readBatch } from "../model_fixture.ts";

const Config = z.object({
  model: ModelConfig,
  adalora: z.object({
    init_r: z.int(),
    target_r: z.int(),
    tinit: z.int(),
    tfinal: z.int(),
    deltaT: z.int(),
    beta1: z.literal(0.85),
    beta2: z.literal(0.85),
    orth_reg_weight: z.number(),
    total_step: z.int(),
    alpha: z.number(),
    targets: z.tuple([z.literal("query_proj"), z.literal("key_proj"), z.literal("value_proj")]),
  }),
  optimizer: z.object({
    name: z.literal("AdamW"),
    lr: z.number(),
    betas: z.tuple([z.number(), z.number()]),
    eps: z.number(),
    weight_decay: z.number(),
    schedule: z.literal("constant"),
    clip: z.null(),
  }),
});
const Steps = z.array(z.object({ batch: z.int() }));

/** With this task type PEFT trains and saves the classifier, and leaves the pooler frozen. */
const HEAD = ["classifier.weight", "classifier.bias"];

export const check: Checker = async (fixture, report, context) => {
  const { model: parsed, adalora: given, optimizer } = configOf(fixture, Config);
  const { init_r: initRank, target_r: targetRank, tinit: tInit, tfinal: tFinal, deltaT, total_step: total } = given;
  const options = { initRank, targetRank, tInit, tFinal, deltaT, alpha: given.alpha, target: "qkv" as const };
  const adapter = attachMethod("adalora", parsed.config, { ...options, orthogonality: given.orth_reg_weight });
  const model: Model = { ...plainModel(parsed), adapter, trainsHead: HEAD }, layout = layoutOf(model);
  const all = families(parsed.config, options.target), names = Object.keys(adapter.parameters);
  const plan = planBudget(options, all.reduce((sum, { rows }) => sum + rows, 0), total);
  const base = tensorsOf(fixture, "base_weights"), inputs = tensorsOf(fixture, "inputs");
  const steps = Steps.safeParse(fixture.scalars.steps);
  if (!steps.success) throw new InputError(`Cannot check "${fixture.folder}": its "steps" name no batches`);

  /** A model's tensors from those of an adapter under PEFT's names. */
  const wholeModel = (config: Record<string, unknown>, tensors: HostTensors): HostTensors => {
    const head = Object.fromEntries(HEAD.map((name) => [name, tensors[peftName(name)]!]));
    return { ...base, ...head, ...adapter.restore({ config, tensors }) };
  };
  const initial = Object.entries(tensorsOf(fixture, "initial"))
    .map(([name, tensor]) => [name.replace("input.initial.", ""), tensor] as const);

  const device = await openEngine(parseEngineName(context.engine)), registers = registersOf(device, layout);
  device.write(startRegisters(model, wholeModel({}, Object.fromEntries(initial))));
  const trained = () => unflatten(layout, (group) => device.read(stateRegisters(group).p).data);
  /** What is kept beside each parameter, under PEFT's name for that. */
  const kept = (nameOf: (name: string) => string) =>
    saveFamilies(
      all,
      Object.fromEntries(names.map((name) => {
        return [name, float32(adapter.parameters[name]!.shape, registers.read(nameOf(name)))];
      })),
    );
  const compareWith = (prefix: string, tensors: HostTensors) => {
    for (const [name, tensor] of Object.entries(tensors)) report.tensor(prefix + name, tensor);
  };

  const first = readBatch(inputs, "input.batch.0."), [examples, length] = first.ids.shape as [number, number];
  const { lr, weight_decay: weightDecay, betas: [beta1, beta2], eps: epsilon } = optimizer;
  const adamw = { beta1, beta2, epsilon, maxNorm: null }, rate = { lr, weightDecay };
  const train = await device.load(fineTuneProgram(model, adamw, examples, length));
  const evaluate = await device.load(evaluateProgram(model, examples, length));
  const price = await device.load({
    name: "task loss",
    inputs: {
      logits: { dtype: "float32", shape: [examples, parsed.labels] },
      labels: { dtype: "int32", shape: [examples] },
      weights: { dtype: "float32", shape: [examples] },
    },
    apply: ({ logits, labels, weights }) => ({ loss: taskLoss(logits!, labels!, weights!) }),
  });

  const control = adapter.control!(total), memory = {}, trace: unknown[] = [];
  let scores: Float64Array[] = [], pattern: Record<string, boolean[]> | null = null;
  for (const [step, { batch }] of steps.data.entries()) {
    const { labels, weights, ...texts } = readBatch(inputs, `input.batch.${batch}.`);
    const task = number((await price.run({ ...await evaluate.run(texts), labels, weights })).loss);
    const feeds = stepFeeds(layout, { weights: rate, biases: rate }, step + 1, adamw);
    const before = kept(meanOf);
    const loss = number((await train.run({ ...texts, labels, weights, ...feeds })).loss);
    if (step < plan.end) scores = scoresOf(all, initRank, registers);
    if (step === plan.end - 1) {
      const mean = kept(meanOf);
      compareWith("expected.exp_avg_ipt.", mean);
      compareWith("expected.exp_avg_unc.", kept(deviationOf));
      // Only the running mean is kept of the importance itself, which two of them give back.
      compareWith(
        "expected.ipt.",
        mapOf(mean, (x, name, i) => (x - given.beta1 * before[name]!.data[i]!) / (1 - given.beta1)),
      );
      all.flatMap(({ sites }) => sites).forEach(({ module }, i) => {
        report.tensor(`expected.triplet_score.${peftName(module)}`, float32([initRank], scores[i]!));
      });
    }
    control(step + 1, registers, memory);
    const budget = budgetAt(plan, step), allocates = allocatesAt(plan, step);
    const own = trained(),
      living = Object.fromEntries(
        [...livingOf(all, initRank, own)].map(([module, flags]) => [peftName(module), flags]),
      );
    if (allocates) pattern = living;
    trace.push({
      step,
      batch,
      loss,
      task_loss: task,
      orth_term: (loss - task) / given.orth_reg_weight,
      scheduled_budget: budget,
      allocated_now: allocates,
      rank_pattern: pattern,
      lora_E_nonzero: living,
      ...(allocates && { allocation: { budget, ...marginOf(scores, budget) } }),
    });
  }
  report.value("scalars.steps", trace);
  const final = trained(), head = HEAD.map((name) => [peftName(name), final[name]!] as const);
  compareWith("expected.final.", { ...saveFamilies(all, final), ...Object.fromEntries(head) });
  report.tensor("expected.final_logits_batch0", (await evaluate.run({ ids: first.ids, mask: first.mask })).logits!);
  await Promise.all([train, evaluate, price].map((program) => program.dispose()));

  // The same from the file that PEFT saved, without the ranks that were dropped.
  const config = JSON.parse(fixture.texts.final_adapter_config ?? "{}");
  const tensors = wholeModel(config, tensorsOf(fixture, "final_adapter_model"));
  report.tensor("expected.final_logits_batch0", (await forward(context, { model, tensors }, first)).logits!);
};

const number = (scalar: HostTensor | undefined): number => scalar!.data[0]!;

const mapOf = (tensors: HostTensors, apply: (x: number, name: string, i: number) => number): HostTensors =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => {
      return [name, float32(shape, Array.from(data, (x, i) => apply(x, name, i)))];
    }),
  );

/** The largest score that a budget leaves out, and how far the next one is above it. */
function marginOf(scores: readonly Float64Array[], budget: number) {
  const sorted = scores.flatMap((some) => [...some]).sort((a, b) => a - b), out = sorted.length - budget;
  const threshold = sorted[out - 1]!, next = sorted[out]!;
  return { threshold, relative_gap_to_next: (next - threshold) / next };
}
