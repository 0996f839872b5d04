/** A fine-tuning run: start, calibrate, train, evaluate every epoch, keep the best. */
import { WORD_EMBEDDINGS } from "../deberta/config.ts";
import type { Device } from "../engines/engine.ts";
import type { ProgramCache } from "../engines/program_cache.ts";
import { headline, scoreTask } from "../glue/metrics.ts";
import { type TaskName, TASKS } from "../glue/tasks.ts";
import { Stream } from "../random/stream.ts";
import type { Group, Memory, Registers } from "../peft/method.ts";
import { float32, type HostTensor, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "./adamw.ts";
import {
  type EncodedExample,
  EVALUATION_BATCH,
  rowsAtOnce,
  tokenFeeds,
  trainingBatches,
  trainingFeeds,
} from "./batches.ts";
import type { Checkpoints } from "./checkpoint.ts";
import { type Layout, unflatten } from "./layout.ts";
import { Accumulator } from "./in_parts.ts";
import {
  calibrateProgram,
  evaluateProgram,
  fineTuneProgram,
  fineTuneStep,
  groupOf,
  layoutOf,
  type Model,
} from "./model.ts";
import { isConstant, predict } from "./predict.ts";
import type { EpochRecord, RunRecord } from "./record.ts";
import { RowTable } from "./row_table.ts";
import { linearSchedule } from "./schedule.ts";
import { calibrates, startingTensors, startRegisters } from "./start.ts";
import { type GroupRates, type Optimizer, stateRegisters, stepFeeds, trackedRegister } from "./step.ts";

export interface FineTuneSettings {
  readonly seed: number;
  readonly epochs: number;
  readonly batch: number;
  readonly learningRate: number;
  /** Of the group `gates`: gate logits and quantizer steps, and what else needs a rate of its own, such as prompts. */
  readonly gateLearningRate: number;
  readonly weightDecay: number;
  /** Steps of linear warm-up. */
  readonly warmup: number;
  /** Largest gradient norm, or null. */
  readonly maxNorm: number | null;
  /** Allowed padded lengths, ascending. */
  readonly lengths: readonly number[];
  /** The same for evaluation; those of training if not given. Few are best where an evaluation is shorter than a compilation. */
  readonly evaluationLengths?: readonly number[];
  /** Most tokens, padding included, that a step sends through the network at once [all]: memory for time. */
  readonly tokensAtOnce?: number;
}

/** Where a fine-tuning run stands between two steps. */
export interface FineTuneCheckpoint {
  /** Steps done. */
  readonly steps: number;
  /** Sum over the examples of the losses of this epoch so far. */
  readonly loss: number;
  readonly epochs: readonly EpochRecord[];
  /** The best epoch, and whether it predicts one value only; its tensors are among `parts`. */
  readonly best: { readonly epoch: EpochRecord; readonly constant: boolean } | null;
  /** What the method's control remembers. */
  readonly memory: Memory;
  readonly parts: {
    /** What steps renew on the device. */
    readonly registers: HostTensors;
    /** Word embeddings that train by rows. */
    readonly table: HostTensors;
    /** What trained, as of the best epoch. */
    readonly best: HostTensors;
  };
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
  /** Where it may go on from, and leave where it stands. */
  readonly checkpoints?: Checkpoints<FineTuneCheckpoint>;
  readonly onProgress?: (fraction: number, message: string) => void;
}

export type FineTuned = Pick<RunRecord, "outcome" | "epochs" | "best" | "last" | "steps"> & {
  /** What trained, by name, as of the best epoch (as of the start if there is none). */
  readonly trained: HostTensors;
};

/** Names a program of this run for the cache. */
type ProgramKey = (what: string, length: number) => string;

/**
 * Fine-tunes a model. A loss or a logit that is not finite ends the run as diverged. A run that goes on from a checkpoint gives
 * the same bits as one that was never stopped.
 */
export async function fineTune(input: FineTuneInput): Promise<FineTuned> {
  const { programs, task, train, dev, settings, checkpoints, onProgress } = input,
    model = { ...input.model, tableByRows: true };
  const { device } = programs, { batch: size, lengths } = settings;
  const layout = layoutOf(model), optimizer: Optimizer = { ...ADAMW_DEFAULTS, maxNorm: settings.maxNorm };
  const key: ProgramKey = (what, length) => `${what} ${input.modelKey} ${optimizer.maxNorm} ${size} ${length}`;
  let table = await start({ ...input, model }, key);
  const accumulator = new Accumulator(device, layout);
  const inParts = (length: number, rows: number) => {
    const step = fineTuneStep(model, optimizer, size, length, rows);
    // An update sees no text: only the rows of a table that it renews depend on the length.
    const keys = { gradient: key(`gradient ${rows}`, length), update: key("update", step.rows ? length : 0) };
    return accumulator.open(step, size / rows, (what, make) => programs.load(keys[what], make));
  };
  const trainer = async (length: number) => {
    const rows = rowsAtOnce(size, length, settings.tokensAtOnce);
    const train = () => programs.load(key("train", length), () => fineTuneProgram(model, optimizer, size, length));
    const program = rows === size ? await train() : await inParts(length, rows);
    return table?.trains(program) ?? program;
  };
  const evaluator = async (length: number) => {
    const rows = rowsAtOnce(EVALUATION_BATCH, length, settings.tokensAtOnce);
    const program = await programs.load(key(`evaluate ${rows}`, length), () => evaluateProgram(model, rows, length));
    return { rows, run: (table?.reads(program) ?? program).run };
  };
  const trained = (): HostTensors => ({
    ...unflatten(layout, (group) => device.read(stateRegisters(group).p).data as Float32Array),
    ...(table && { [WORD_EMBEDDINGS]: table.values() }),
  });

  const perEpoch = Math.ceil(train.length / size),
    schedule = { warmup: settings.warmup, total: perEpoch * settings.epochs };
  const control = model.adapter.control?.(schedule.total), registers = registersOf(device, layout);
  const settled = model.adapter.settles?.(schedule.total) ?? 0;
  const saved = await checkpoints?.load(), renewed = renewedRegisters(model, layout);
  if (saved) {
    device.write(saved.parts.registers);
    table?.resume(saved.parts.table);
  }
  const epochs: EpochRecord[] = [...saved?.epochs ?? []], memory: Memory = { ...saved?.memory };
  // The best epoch outlives the checkpoint, whose other tensors it would keep from being freed.
  let best = saved?.best ? { ...saved.best, trained: copiesOf(saved.parts.best) } : null;
  let steps = saved?.steps ?? 0, total = saved?.loss ?? 0;
  const checkpoint = (): FineTuneCheckpoint => ({
    steps,
    loss: total,
    epochs,
    best: best && { epoch: best.epoch, constant: best.constant },
    memory,
    parts: {
      registers: Object.fromEntries(renewed.map((name) => [name, device.read(name)])),
      table: table?.snapshot() ?? {},
      best: best?.trained ?? {},
    },
  });
  const finish = async (outcome: RunRecord["outcome"]): Promise<FineTuned> => {
    // What a run without any good epoch leaves must not be what it diverged to.
    if (!best) table = await start({ ...input, model }, key);
    return {
      outcome,
      epochs,
      best: best?.epoch ?? null,
      last: epochs.at(-1) ?? null,
      steps,
      trained: best?.trained ?? trained(),
    };
  };

  for (let epoch = epochs.length + 1; epoch <= settings.epochs; epoch++) {
    const batches = trainingBatches(train, size, lengths, new Stream(settings.seed, "order", task, epoch));
    for (const batch of batches.slice(steps - (epoch - 1) * perEpoch)) {
      const rates = ratesAt(settings, linearSchedule(steps, schedule));
      const feeds = {
        ...trainingFeeds(train, batch, size, TASKS[task].regression),
        ...stepFeeds(layout, rates, steps + 1, optimizer),
      };
      const { loss } = await (await trainer(batch.length)).run(feeds, { seed: settings.seed, step: steps });
      steps++;
      control?.(steps, registers, memory);
      const value = loss!.data[0]!;
      if (!Number.isFinite(value)) return await finish({ kind: "diverged", step: steps });
      total += value * batch.indices.length;
      onProgress?.(steps / schedule.total, `epoch ${epoch} of ${settings.epochs}`);
      await checkpoints?.offer(checkpoint);
    }
    const predictions: Record<string, Float64Array> = {}, references: Record<string, number[]> = {};
    for (const [split, examples] of Object.entries(dev)) {
      predictions[split] = await predict(examples, model.labels, {
        size: EVALUATION_BATCH,
        lengths: settings.evaluationLengths ?? lengths,
        load: evaluator,
      });
      references[split] = examples.map(({ label }) => label);
    }
    if (Object.values(predictions).some((p) => p.some(Number.isNaN))) {
      return await finish({ kind: "diverged", step: steps });
    }
    const scores = scoreTask(task, predictions, references);
    const finite = Object.fromEntries(Object.entries(scores).map(([name, score]) => [name, score || 0]));
    const record = { epoch, loss: total / train.length, scores: finite, score: headline(task, scores) };
    epochs.push(record);
    total = 0;
    // The last epoch always counts, so that there is a best one.
    const counts = steps >= settled || epoch === settings.epochs;
    if (counts && (!best || record.score > best.epoch.score)) {
      best = { epoch: record, trained: trained(), constant: Object.values(predictions).every(isConstant) };
    }
  }
  return await finish({ kind: best?.constant ? "collapsed" : "ok" });
}

function copiesOf(tensors: HostTensors): HostTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() } as HostTensor]),
  );
}

/**
 * Fills the device's registers with where the run starts. Measures activations first, where the method asks for that.
 * @returns the word embeddings, if they train
 */
async function start(
  { programs, model, train, weights, settings }: FineTuneInput,
  key: ProgramKey,
): Promise<RowTable | undefined> {
  const { device } = programs, { seed, batch: size, lengths } = settings;
  const fill = (seen: HostTensors | null) => {
    const tensors = startingTensors(model, weights, seed, seen);
    device.clear();
    device.write(startRegisters(model, tensors));
    if (!model.adapter.trainsBackbone.includes(WORD_EMBEDDINGS)) return undefined;
    return new RowTable(tensors[WORD_EMBEDDINGS]!, groupOf(WORD_EMBEDDINGS), ADAMW_DEFAULTS);
  };
  if (!calibrates(model.adapter)) return fill({});
  const table = fill(null);
  const [first] = trainingBatches(train, size, lengths, new Stream(seed, "calibration"));
  // As much of a batch as goes through the network at once.
  const { length, indices } = first!, rows = rowsAtOnce(size, length, settings.tokensAtOnce);
  const program = await programs.load(key(`calibrate ${rows}`, length), () => calibrateProgram(model, rows, length));
  const { ids, mask } = tokenFeeds(indices.slice(0, rows).map((i) => train[i]!.ids), rows, length);
  return fill(await (table?.reads(program) ?? program).run({ ids: ids!, mask: mask! }));
}

/** The registers that training steps renew. */
function renewedRegisters({ adapter }: Model, layout: Layout): string[] {
  const vectors = layout.flatMap(({ group }) => {
    const { p, m, v } = stateRegisters(group);
    return [p, m, v];
  });
  return [...vectors, ...Object.keys(adapter.state ?? {}).map(trackedRegister)];
}

/** A method's parameters and state in the registers of a device. */
export function registersOf(device: Device, layout: Layout): Registers {
  const places = new Map(layout.flatMap(({ group, members }) => {
    let offset = 0;
    return members.map(({ name, shape }) => {
      const from = offset;
      return [name, { group, from, to: offset += sizeOf(shape) }] as const;
    });
  }));
  const vector = (group: Group) => device.read(stateRegisters(group).p).data as Float32Array;
  return {
    read: (name) => {
      const place = places.get(name);
      if (!place) return Float32Array.from(device.read(trackedRegister(name)).data);
      return vector(place.group).slice(place.from, place.to);
    },
    write: (values) => {
      for (const { group, size } of layout) {
        const changed = Object.entries(values).filter(([name]) => places.get(name)?.group === group);
        if (changed.length === 0) continue;
        const next = vector(group).slice();
        for (const [name, numbers] of changed) next.set(numbers, places.get(name)!.from);
        device.write({ [stateRegisters(group).p]: float32([size], next) });
      }
    },
  };
}

function ratesAt({ learningRate, gateLearningRate, weightDecay }: FineTuneSettings, factor: number): GroupRates {
  return {
    weights: { lr: learningRate * factor, weightDecay },
    biases: { lr: learningRate * factor, weightDecay: 0 },
    gates: { lr: gateLearningRate * factor, weightDecay: 0 },
  };
}
