/** Fine-tunes one method on one task from one seed, and leaves its record and its adapter. */
import { type DebertaConfig, encoderShapes, headShapes } from "../../src/deberta/config.ts";
import { encoderOf } from "../../src/deberta/checkpoint.ts";
import { readSafetensors } from "../../src/deberta/safetensors.ts";
import { parseEngineName } from "../../src/engines/open.ts";
import { parseTaskName, TASKS } from "../../src/glue/tasks.ts";
import type { Json, StepContext, StepRunner } from "../../src/graph/step.ts";
import { writePeft } from "../../src/peft/peft_file.ts";
import { attachMethod, parseOptions } from "../../src/peft/registry.ts";
import { float32, type HostTensors, sizeOf } from "../../src/tensor/host_tensor.ts";
import { checkpointsIn } from "../../src/training/checkpoint.ts";
import { fineTune, type FineTuneSettings } from "../../src/training/fine_tune.ts";
import { initializeModel } from "../../src/training/initialize.ts";
import type { RunRecord } from "../../src/training/record.ts";
import { openPrograms } from "./devices.ts";
import { parametersOf, readJson, writeJson } from "./json.ts";
import type { DatasetFacts, EncodedTask } from "./tokenize.ts";

type FineTuneParameters = {
  readonly method: string;
  readonly options: { readonly [key: string]: Json };
  readonly task: string;
  readonly seed: number;
  readonly backbone: RunRecord["backbone"];
  readonly settings: Omit<FineTuneSettings, "seed" | "warmup">;
  readonly warmupShare: number;
  /** Steps of warm-up, instead of that share of all. */
  readonly warmupSteps?: number;
  readonly classifierDropout: number;
  /** Standard deviations of a fresh head and, for the control, of a fresh backbone. */
  readonly headStd: number;
  readonly backboneStd: number;
};

export const run: StepRunner = async (context) => {
  const parameters = parametersOf<Json & FineTuneParameters>(context), { method, options, seed, settings } = parameters;
  const task = parseTaskName(parameters.task),
    { labels: classes, devSplits } = TASKS[task],
    labels = classes.length || 1;
  const config = await readJson<DebertaConfig>(context, "config.json");
  const facts = await readJson<DatasetFacts>(context, "dataset.json");
  const { train, dev } = await readJson<EncodedTask>(context, "examples.json");
  const encoder: HostTensors = parameters.backbone === "random"
    ? initializeModel(encoderShapes(config), parameters.backboneStd, seed)
    : await pretrainedEncoder(context, config);
  const head = headShapes(config, labels);

  const adapter = attachMethod(method, config, options);
  const steps = Math.ceil(train.length / settings.batch) * settings.epochs,
    warmup = parameters.warmupSteps ?? Math.round(steps * parameters.warmupShare);
  const count = (shapes: Iterable<readonly number[]>) => [...shapes].reduce((sum, shape) => sum + sizeOf(shape), 0);
  const shapes = encoderShapes(config), weights = count(Object.values(shapes));
  const modelKey = JSON.stringify([method, options, config, labels, parameters.classifierDropout]);
  const { trained, ...record } = await fineTune({
    programs: await openPrograms(parseEngineName(context.step.engine!), { key: modelKey, weights }),
    model: { config, adapter, labels, classifierDropout: parameters.classifierDropout },
    modelKey,
    task,
    train,
    dev,
    weights: { ...encoder, ...freshHead(head, parameters.headStd, seed, labels === 1 ? train : []) },
    settings: { ...settings, seed, warmup },
    checkpoints: checkpointsIn(context.scratch),
    onProgress: context.progress,
  });

  const trainsBackbone = new Set(adapter.trainsBackbone);
  const own = Object.fromEntries(Object.keys(adapter.parameters).map((name) => [name, trained[name]!]));
  const { lengths, evaluationLengths = lengths, learningRate, ...rest } = settings;
  writeJson(
    context,
    "run.json",
    {
      method,
      task,
      seed,
      backbone: parameters.backbone,
      ...record,
      split: devSplits.join(" and "),
      majorityScore: facts.majorityScore,
      parameters: {
        method: count(Object.values(adapter.parameters).map(({ shape }) => shape)) +
          count(Object.entries(shapes).filter(([name]) => trainsBackbone.has(name)).map(([, shape]) => shape)),
        head: count(Object.values(head)),
        backbone: weights,
      },
      sites: adapter.observe(own),
      costs: adapter.costs?.(own) ?? [],
      virtualTokens: adapter.virtualTokens ?? 0,
      meanLength: facts.meanLength,
      settings: {
        learningRate,
        ...rest,
        maxNorm: settings.maxNorm ?? "none",
        warmup,
        classifierDropout: parameters.classifierDropout,
        lengths: lengths.join(" "),
        evaluationLengths: evaluationLengths.join(" "),
      },
      options: parseOptions(method, options),
    } satisfies RunRecord,
  );
  const others = Object.fromEntries(Object.entries(trained).filter(([name]) => !(name in own)));
  for (const [name, bytes] of Object.entries(writePeft(adapter, own, others))) context.write(name, bytes);
};

/** The encoder that was pre-trained here, or that a downloaded checkpoint holds. */
async function pretrainedEncoder(context: StepContext, config: DebertaConfig): Promise<HostTensors> {
  const role = "backbone.safetensors", input = context.step.inputs[role];
  const name = input && "file" in input ? input.file : role;
  return encoderOf(readSafetensors(await context.read(role), name).tensors, config, name);
}

/** A head's starting values. A regression starts at the mean of its training scores, which Adam would take an epoch to reach. */
function freshHead(
  shapes: Record<string, number[]>,
  std: number,
  seed: number,
  scored: EncodedTask["train"],
): HostTensors {
  const head = initializeModel(shapes, std, seed);
  if (scored.length === 0) return head;
  const mean = scored.reduce((sum, { label }) => sum + label, 0) / scored.length;
  return { ...head, "classifier.bias": float32([1], [mean]) };
}
