/**
 * What the training steps of a plan take, for `--dry-run` and for refusing what cannot fit. Worked out from their graphs, which
 * takes all the code that trains: import it where it is needed, and `memory_bound.ts` elsewhere.
 */
import type { DebertaConfig } from "../../src/deberta/config.ts";
import { activationsOf, type Demand, predictMemory } from "../../src/engines/memory.ts";
import type { EngineName } from "../../src/engines/open.ts";
import { InputError } from "../../src/errors.ts";
import type { Step } from "../../src/graph/step.ts";
import { attachMethod } from "../../src/peft/registry.ts";
import { ADAMW_DEFAULTS } from "../../src/training/adamw.ts";
import { EVALUATION_BATCH, rowsAtOnce } from "../../src/training/batches.ts";
import { evaluateProgram, fineTuneStep, hostTableBytes, type Model } from "../../src/training/model.ts";
import { programsOf } from "../../src/training/step.ts";
import type { Profile } from "../profiles/profile.ts";
import {
  type Backbone,
  configOf,
  type Machine,
  predicts,
  sideBySide,
  type Training,
  trainingOf,
} from "./memory_bound.ts";

/** Options that scale or time what a method does, and so differ between tasks, but give nothing another size. */
export const SIZELESS: readonly string[] = ["alpha", "orthogonality", "tInit", "tFinal", "deltaT"];

type OneLength = Omit<Training, "lengths" | "evaluationLengths"> & { readonly length: number };

/** Predicts training steps of one backbone, each kind once. */
export class Predictor {
  readonly #known = new Map<string, Demand>();
  readonly #evaluations = new Map<string, number>();
  readonly #config: DebertaConfig;

  constructor(profile: Backbone) {
    this.#config = configOf(profile);
  }

  /** The most that a training takes with the graphs of all its lengths, and those of its evaluation, which share weights and state. */
  predict({ lengths, evaluationLengths, options, ...rest }: Training): Demand {
    const sized = Object.entries(options).filter(([name]) => !SIZELESS.includes(name));
    const training = { ...rest, options: Object.fromEntries(sized) };
    const each = lengths.map((length) => this.#predict({ ...training, length }));
    const largest = each.reduce((a, b) => a.total >= b.total ? a : b);
    const evaluation = evaluationLengths.reduce((sum, length) => sum + this.#evaluation({ ...training, length }), 0);
    const activations = each.reduce((sum, one) => sum + one.activations, 0) + evaluation;
    return { ...largest, activations, total: largest.total - largest.activations + activations };
  }

  #evaluation(one: OneLength): number {
    const key = `evaluation ${JSON.stringify(one)}`, known = this.#evaluations.get(key);
    if (known !== undefined) return known;
    const rows = rowsAtOnce(EVALUATION_BATCH, one.length, one.tokensAtOnce);
    const bytes = activationsOf(evaluateProgram(this.#modelOf(one), rows, one.length));
    this.#evaluations.set(key, bytes);
    return bytes;
  }

  #modelOf({ method, options, tableByRows }: OneLength): Model & { readonly tableByRows: boolean } {
    const adapter = attachMethod(method, this.#config, options);
    return { config: this.#config, adapter, labels: 3, classifierDropout: 0.1, tableByRows };
  }

  #predict(training: OneLength): Demand {
    const key = JSON.stringify(training), known = this.#known.get(key);
    if (known) return known;
    const { batch, length, tokensAtOnce } = training, model = this.#modelOf(training);
    const rows = rowsAtOnce(batch, length, tokensAtOnce);
    const step = fineTuneStep(model, { ...ADAMW_DEFAULTS, maxNorm: 1 }, batch, length, rows);
    const demand = predictMemory(programsOf(step, rows < batch), hostTableBytes(model));
    this.#known.set(key, demand);
    return demand;
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
