/** What the training steps of a plan take, for `--dry-run` and for refusing what cannot fit. */
import type { DebertaConfig } from "../../src/deberta/config.ts";
import type { EngineName } from "../../src/engines/open.ts";
import { type Demand, predictMemory } from "../../src/engines/memory.ts";
import { InputError } from "../../src/errors.ts";
import type { Json, Step } from "../../src/graph/step.ts";
import { attachMethod } from "../../src/peft/registry.ts";
import { ADAMW_DEFAULTS } from "../../src/training/adamw.ts";
import { fineTuneProgram } from "../../src/training/model.ts";
import type { Profile } from "../profiles/profile.ts";

/** What decides the shape of a step's training graph. */
export interface Training {
  readonly method: string;
  readonly options: { readonly [key: string]: Json };
  readonly batch: number;
  readonly length: number;
}

/** Engines whose memory is known: the others hold other copies. */
const PREDICTED: readonly EngineName[] = ["portable", "native"];

/** Words that a backbone may know: DeBERTaV3's for real text, more than the generator's for its own. */
const VOCABULARY = { glue: 128_100, mini: 1000 } as const;

/** The training that a step does, at its longest batches; null for a step that trains nothing. */
export function trainingOf({ kind, parameters }: Pick<Step, "kind" | "parameters">): Training | null {
  const { settings, method, options } = parameters as Record<string, Json> as unknown as Training & {
    settings: { batch: number; lengths: readonly number[] };
  };
  if (kind !== "finetune" && kind !== "pretrain") return null;
  const { batch, lengths } = settings, shape = { batch, length: Math.max(...lengths) };
  // Pre-training trains every weight, as full fine-tuning does.
  return kind === "pretrain" ? { method: "full-ft", options: {}, ...shape } : { method, options, ...shape };
}

/** Predicts training steps of one backbone, each kind once. */
export class Predictor {
  readonly #known = new Map<string, Demand>();
  readonly #config: DebertaConfig;

  constructor({ backbone, data }: Pick<Profile, "backbone" | "data">) {
    this.#config = { ...backbone, vocabulary: VOCABULARY[data.kind] };
  }

  predict(training: Training): Demand {
    const key = JSON.stringify(training), known = this.#known.get(key);
    if (known) return known;
    const { method, options, batch, length } = training, config = this.#config;
    const model = { config, adapter: attachMethod(method, config, options), labels: 3, classifierDropout: 0.1 };
    const demand = predictMemory(fineTuneProgram(model, { ...ADAMW_DEFAULTS, maxNorm: 1 }, batch, length));
    this.#known.set(key, demand);
    return demand;
  }

  /**
   * More than any training of these shapes takes, without looking at its graph: a run that fits by this estimate needs no other.
   * The hungriest method that was measured, B-LoRA at xsmall, keeps 2.7 times the numbers in brackets for every token.
   */
  bound({ batch, length }: Training): number {
    const { hidden, ffn, heads, layers, vocabulary } = this.#config;
    const perToken = 8 * (10 * hidden + 4 * ffn + 5 * heads * length);
    const weights = vocabulary * hidden + layers * (4 * hidden * hidden + 2 * hidden * ffn);
    return 500e6 + 4 * (perToken * batch * length * layers + 24 * weights);
  }
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;

/** A demand for a person. */
export function describeDemand({ total, weights, state, activations, runtime }: Demand): string {
  const size = total < 1e9 ? megabytes : gigabytes;
  const parts = Object.entries({ weights, state, activations, runtime });
  return `about ${size(total)} (${parts.map(([part, bytes]) => `${part} ${size(bytes)}`).join(", ")})`;
}

/** Whether an engine's memory can be predicted. */
export const predicts = (engine: EngineName): boolean => PREDICTED.includes(engine);

export interface Machine {
  /** Bytes of memory. */
  readonly total: number;
  /** Steps side by side. */
  readonly jobs: number;
}

/** The most bytes that some of these take side by side. */
const sideBySide = (sizes: readonly number[], jobs: number): number =>
  sizes.toSorted((a, b) => b - a).slice(0, jobs).reduce((a, b) => a + b, 0);

/** Whether these steps fit a machine by the generous estimate that costs nothing. */
export function surelyFits(steps: readonly Step[], predictor: Predictor, { total, jobs }: Machine): boolean {
  return sideBySide(steps.flatMap((step) => trainingOf(step) ?? []).map((t) => predictor.bound(t)), jobs) <= total;
}

/**
 * Refuses a run whose largest steps, side by side, are larger than the machine.
 * @throws InputError naming the step that takes most, with what to do instead
 */
export function refuseTooLarge(steps: readonly Step[], predictor: Predictor, { total, jobs }: Machine): void {
  const needs = steps.flatMap((step) => {
    const training = trainingOf(step);
    return training ? [{ name: step.name, bytes: predictor.predict(training).total }] : [];
  }).sort((a, b) => b.bytes - a.bytes);
  if (sideBySide(needs.map(({ bytes }) => bytes), jobs) <= total) return;
  const { name, bytes } = needs[0]!, fitting = Math.floor(total / bytes), many = Math.min(jobs, needs.length);
  const advice = fitting > 0
    ? `type the same with --jobs ${fitting}`
    : "choose a profile with a smaller backbone, or narrow the run to smaller methods with --only";
  throw new InputError(
    `The step "${name}" needs about ${gigabytes(bytes)}${many > 1 ? `, and ${many} steps run side by side` : ""}: ` +
      `this machine has ${gigabytes(total)}; ${advice}`,
  );
}

/** What `--dry-run` tells of a step's memory: nothing for steps that train nothing and engines that are not predicted. */
export function memoryTold({ profile, engine }: { readonly profile: Profile; readonly engine: EngineName }) {
  const predictor = new Predictor(profile);
  return (step: Step) => {
    const training = predicts(engine) ? trainingOf(step) : null;
    if (!training) return null;
    const demand = predictor.predict(training);
    return { bytes: Math.round(demand.total), words: describeDemand(demand) };
  };
}
