/** A fine-tuning run: start, calibrate, train, evaluate every epoch, keep the best. */
import type { ProgramCache } from "../engines/program_cache.ts";
import { headline, scoreTask } from "../glue/metrics.ts";
import { type TaskName, TASKS } from "../glue/tasks.ts";
import { Stream } from "../random/stream.ts";
import type { HostTensors } from "../tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "./adamw.ts";
import { type EncodedExample, trainingBatches, trainingFeeds } from "./batches.ts";
import { initialize } from "./initialize.ts";
import { flatten, type Layout, unflatten } from "./layout.ts";
import {
  calibrateProgram,
  evaluateProgram,
  fineTuneProgram,
  frozenRegister,
  frozenShapes,
  layoutOf,
  type Model,
} from "./model.ts";
import { isConstant, predict } from "./predict.ts";
import type { EpochRecord, RunRecord } from "./record.ts";
import { linearSchedule } from "./schedule.ts";
import { freshState, type GroupRates, type Optimizer, stateRegisters, stepFeeds } from "./step.ts";

export interface FineTuneSettings {
  readonly seed: number;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Of gate logits and quantizer steps. */
  readonly gateLearningRate: number;
  readonly weightDecay: number;
  /** Steps of linear warm-up. */
  readonly warmup: number;
  /** Largest gradient norm, or null. */
  readonly maxNorm: number | null;
  /** Allowed padded lengths, ascending. */
  readonly lengths: readonly number[];
}

export interface FineTuneInput {
  readonly programs: ProgramCache;
  readonly model: Model;
  /** Names everything that the model's graphs depend on: method, options, shape, labels. */
  readonly modelKey: string;
  readonly task: TaskName;
  readonly train: readonly EncodedExample[];
  readonly dev: Readonly<Record<string, readonly EncodedExample[]>>;
  /** Backbone and fresh head, by Hugging Face names. */
  readonly weights: HostTensors;
  readonly settings: FineTuneSettings;
  readonly onProgress?: (fraction: number, message: string) => void;
}

export type FineTuned = Pick<RunRecord, "outcome" | "epochs" | "best" | "last" | "steps"> & {
  /** What trained, by name, as of the best epoch (as of the start if there is none). */
  readonly trained: HostTensors;
};

/** Rows of an evaluation batch. */
const EVALUATION_BATCH = 32;

/** Fine-tunes a model. A loss or a logit that is not finite ends the run as diverged. */
export async function fineTune(input: FineTuneInput): Promise<FineTuned> {
  const { programs, model, task, train, dev, settings, onProgress } = input;
  const { device } = programs, { batch: size, lengths } = settings;
  const layout = layoutOf(model), optimizer: Optimizer = { ...ADAMW_DEFAULTS, maxNorm: settings.maxNorm };
  const key = (what: string, length: number) => `${what} ${input.modelKey} ${optimizer.maxNorm} ${size} ${length}`;
  const trainer = (length: number) =>
    programs.load(key("train", length), () => fineTuneProgram(model, optimizer, size, length));
  const evaluator = (length: number) =>
    programs.load(key("evaluate", length), () => evaluateProgram(model, EVALUATION_BATCH, length));
  const trained = () => unflatten(layout, (group) => device.read(stateRegisters(group).p).data as Float32Array);

  await start(input, layout, key);
  const perEpoch = Math.ceil(train.length / size),
    schedule = { warmup: settings.warmup, total: perEpoch * settings.epochs };
  const epochs: EpochRecord[] = [];
  let best: { epoch: EpochRecord; trained: HostTensors; constant: boolean } | null = null, steps = 0;
  const finish = (outcome: RunRecord["outcome"]): FineTuned => ({
    outcome,
    epochs,
    best: best?.epoch ?? null,
    last: epochs.at(-1) ?? null,
    steps,
    trained: best?.trained ?? trained(),
  });

  for (let epoch = 1; epoch <= settings.epochs; epoch++) {
    let total = 0;
    for (const batch of trainingBatches(train, size, lengths, new Stream(settings.seed, "order", task, epoch))) {
      const rates = ratesAt(settings, linearSchedule(steps, schedule));
      const feeds = {
        ...trainingFeeds(train, batch, size, TASKS[task].regression),
        ...stepFeeds(layout, rates, steps + 1, optimizer),
      };
      const { loss } = await (await trainer(batch.length)).run(feeds, { seed: settings.seed, step: steps });
      steps++;
      const value = loss!.data[0]!;
      if (!Number.isFinite(value)) return finish({ kind: "diverged", step: steps });
      total += value * batch.indices.length;
      onProgress?.(steps / schedule.total, `epoch ${epoch} of ${settings.epochs}`);
    }
    const predictions: Record<string, Float64Array> = {}, references: Record<string, number[]> = {};
    for (const [split, examples] of Object.entries(dev)) {
      predictions[split] = await predict(examples, model.labels, { size: EVALUATION_BATCH, lengths, load: evaluator });
      references[split] = examples.map(({ label }) => label);
    }
    if (Object.values(predictions).some((p) => p.some(Number.isNaN))) return finish({ kind: "diverged", step: steps });
    const scores = scoreTask(task, predictions, references);
    const finite = Object.fromEntries(Object.entries(scores).map(([name, score]) => [name, score || 0]));
    const record = { epoch, loss: total / train.length, scores: finite, score: headline(task, scores) };
    epochs.push(record);
    if (!best || record.score > best.epoch.score) {
      best = { epoch: record, trained: trained(), constant: Object.values(predictions).every(isConstant) };
    }
  }
  return finish({ kind: best?.constant ? "collapsed" : "ok" });
}

/** Fills the device's registers: frozen tensors, starting values, zero moments. Measures ranges where a method asks for them. */
async function start(
  { programs, model, train, weights, settings }: FineTuneInput,
  layout: Layout,
  key: (what: string, length: number) => string,
) {
  const { device } = programs,
    { seed, batch: size, lengths } = settings,
    parameters = Object.entries(model.adapter.parameters);
  device.clear();
  device.write(
    Object.fromEntries(Object.keys(frozenShapes(model)).map((name) => [frozenRegister(name), weights[name]!])),
  );
  const write = (ranges: ReadonlyMap<string, number>) => {
    const own = parameters.map(([name, { shape, initial }]) => [name, initialize(name, shape, initial, seed, ranges)]);
    device.write(freshState(flatten(layout, { ...weights, ...Object.fromEntries(own) })));
  };
  const probes = parameters.flatMap(([, { initial }]) => initial.kind === "log-step" ? initial.probes : []);
  write(new Map(probes.map((name) => [name, 1])));
  if (probes.length === 0) return;
  const [first] = trainingBatches(train, size, lengths, new Stream(seed, "calibration"));
  const program = await programs.load(
    key("calibrate", first!.length),
    () => calibrateProgram(model, size, first!.length),
  );
  const { ids, mask } = trainingFeeds(train, first!, size, model.labels === 1);
  const seen = await program.run({ ids: ids!, mask: mask! });
  write(new Map(Object.entries(seen).map(([name, { data }]) => [name, data[0]!])));
}

function ratesAt({ learningRate, gateLearningRate, weightDecay }: FineTuneSettings, factor: number): GroupRates {
  return {
    weights: { lr: learningRate * factor, weightDecay },
    biases: { lr: learningRate * factor, weightDecay: 0 },
    gates: { lr: gateLearningRate * factor, weightDecay: 0 },
  };
}
