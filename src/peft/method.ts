/**
 * The contract of a fine-tuning method. A method is one file: options, what it adds to the backbone, what it puts in the
 * place of a projection, what it reports. Adding one is a file and a line in `registry.ts`.
 */
import type { Tensor } from "@tensorflow/tfjs";
import type { z } from "zod";
import type { DebertaConfig } from "../deberta/config.ts";
import type { Noise } from "../engines/engine.ts";
import type { HostTensors } from "../tensor/host_tensor.ts";
import type { Matrix, Site } from "../training/record.ts";

/**
 * How a parameter starts. `log-step` is measured: the logarithm of two thirds of the largest |value| that each probe saw, which
 * is the 2-bit step of a quantizer whose range holds it.
 */
export type Initial =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly std: number }
  /** U(-bound, bound). */
  | { readonly kind: "uniform"; readonly bound: number }
  | { readonly kind: "log-step"; readonly probes: readonly string[] }
  /** By the method's own `prepare`. */
  | { readonly kind: "prepared" };

/**
 * Which optimizer settings a parameter trains with: `weights` with the task's learning rate and weight decay, `biases` with
 * the rate but no decay, `gates` with the method's own rate and no decay.
 */
export const GROUPS = ["weights", "biases", "gates"] as const;
export type Group = typeof GROUPS[number];

export interface Parameter {
  readonly shape: readonly number[];
  readonly initial: Initial;
  readonly group: Group;
}

/** `calibrate` runs once before training, with starting values and nothing quantized, to measure activations. */
export type Mode = "train" | "evaluate" | "calibrate";

/** What a method sees of one run of the model. */
export interface Scope {
  readonly mode: Mode;
  /** A tensor of the backbone, by its Hugging Face name. */
  weight(name: string): Tensor;
  /** A parameter or a constant of the method, by the name it declared. */
  parameter(name: string): Tensor;
  readonly noise: Noise;
  /** Tells the range of a tensor to the calibration. Does nothing in other modes. */
  probe(name: string, x: Tensor): void;
  /** Tells x^T x of a matrix [N, in], summed over calls, to the calibration. Does nothing in other modes. */
  probeGram(name: string, x: Tensor): void;
  /** Activations [N, D], for calibration with zeros where the token is padding, which is as if it were not there. */
  withoutPadding(x: Tensor): Tensor;
  /** How many rows a matrix of so many would have in the fullest batch. */
  mostRows(rows: number): number;
  /** The projection as the backbone has it. */
  affine(module: string, x: Tensor): Tensor;
}

/** A method's part in one run of the model. What is missing is done as in the plain backbone. */
export interface Hooks {
  /** Projections of one input [N, in] by several modules, each [N, out]; undefined leaves them to the backbone. */
  linear?(modules: readonly string[], x: Tensor): Tensor[] | undefined;
  /** A sublayer's output before dropout and the residual sum. */
  afterSublayer?(module: string, h: Tensor): Tensor;
  /** Embeddings [P, D] of virtual tokens, which every example has after its first one. */
  readonly virtual?: Tensor;
  /** Virtual keys and values [P, D] that every query of a layer sees besides its own tokens, without a position. */
  prefix?(layer: number): { readonly key: Tensor; readonly value: Tensor } | undefined;
  /** A scalar added to the loss. */
  penalty?(): Tensor;
}

/** What a method can look at before training. */
export interface Preparation {
  /** The backbone by Hugging Face names. */
  readonly backbone: HostTensors;
  readonly seed: number;
  /** What calibration measured: the largest |value| [] of each probe, the sum [in, in] of each Gram probe. */
  readonly seen: HostTensors;
}

/** What a method makes of it. */
export interface Prepared {
  /** Starting values of parameters declared as `prepared`. */
  readonly parameters?: HostTensors;
  /** Values of constants. */
  readonly constants?: HostTensors;
  /** Tensors of the backbone that are kept in another form, quantized for instance. */
  readonly backbone?: HostTensors;
}

/** What a training step leaves for a method to keep account of. */
export interface Tracked {
  /** A parameter after the step. */
  parameter(name: string): Tensor;
  /** Its gradient, clipped as the optimizer saw it. */
  gradient(name: string): Tensor;
  /** The method's own account, as of the step before. */
  state(name: string): Tensor;
}

/** Host access to a method's parameters and state between steps. */
export interface Registers {
  /** A copy. */
  read(name: string): Float32Array;
  /** Replaces parameters (not state). */
  write(values: Readonly<Record<string, Float32Array>>): void;
}

/** A product of the forward pass that no adapted projection's W0, A, E, B stands for. */
export interface Cost {
  /** What it is, for lists of products. */
  readonly site: string;
  /** Multiply-accumulates for each token, virtual ones included. */
  readonly macsPerToken: number;
  readonly weightBits: number;
  readonly inputBits: number;
}

/** The cost of a product with nothing quantized. */
export function fullPrecision(site: string, macsPerToken: number): Cost {
  return { site, macsPerToken, weightBits: 32, inputBits: 32 };
}

/** A method with its options, bound to a backbone. */
export interface Adapter {
  /** Backbone tensors that train, by exact name. */
  readonly trainsBackbone: readonly string[];
  /** The method's own tensors that train. */
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** The method's own float32 tensors that do not, by shape; `prepare` gives their values. */
  readonly constants?: Readonly<Record<string, readonly number[]>>;
  /** Whether the backbone runs on one batch before `prepare`. It does anyway where a parameter starts from a range. */
  readonly calibrates?: boolean;
  /** Called once before training, on the host. */
  prepare?(given: Preparation): Prepared;
  /** Called once per run of the model (or per trace), before anything else. */
  open(scope: Scope): Hooks;
  /** What is kept beside the parameters, by shape, all zeros at first; `track` renews it inside every training step. */
  readonly state?: Readonly<Record<string, readonly number[]>>;
  track?(step: Tracked): Record<string, Tensor>;
  /**
   * Decisions between steps.
   * @param total steps of the run
   * @returns what to do after each step, counted from 1; what one step leaves for another goes into `memory`, as plain data
   */
  control?(total: number): (step: number, registers: Registers, memory: Memory) => void;
  /** The step from which a checkpoint is what the method promises (of its size, say); all are where this is missing. */
  settles?(total: number): number;
  /** Ranks and bit widths as trained, read with test-time gates. */
  observe(parameters: HostTensors): Site[];
  /** Products besides those of the sites. */
  costs?(parameters: HostTensors): Cost[];
  /** Virtual tokens of each example. */
  readonly virtualTokens?: number;
  /**
   * Folds a trained method into the backbone, where that can be done: the backbone's tensors that change, with their new
   * values. The model alone then computes what model and method did.
   * @param backbone as the method prepared it
   * @param parameters constants included
   */
  merge?(backbone: HostTensors, parameters: HostTensors): HostTensors;
  /** The method's trained tensors as its published format has them. */
  save(parameters: HostTensors): Saved;
  /** The parameters that `save` was given, or that another library wrote in the same format. */
  restore(saved: Saved): HostTensors;
}

/** Belongs to a run; empty at first. */
export type Memory = Record<string, unknown>;

/** An adapter as it lies in a file: `adapter_config.json`, and tensors under PEFT's names. */
export interface Saved {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: HostTensors;
}

export interface Method<Options = unknown> {
  /** What a person types. */
  readonly name: string;
  /** What the literature calls it, for print; its name where that is the same. */
  readonly label?: string;
  /** What it is, in half a sentence. */
  readonly title: string;
  readonly reference: string;
  /** Options with defaults and checks; unknown keys are errors. */
  readonly options: z.ZodType<Options>;
  attach(config: DebertaConfig, options: Options): Adapter;
}

/** Where each adaptable matrix of a layer lives. */
const MODULES: Readonly<Record<Matrix, string>> = {
  query: "attention.self.query_proj",
  key: "attention.self.key_proj",
  value: "attention.self.value_proj",
  "attention-output": "attention.output.dense",
  intermediate: "intermediate.dense",
  output: "output.dense",
};

/** Presets of adapted matrices. */
export const TARGETS = {
  qv: ["query", "value"],
  qkv: ["query", "key", "value"],
  all6: ["query", "key", "value", "attention-output", "intermediate", "output"],
} as const satisfies Record<string, readonly Matrix[]>;
export type Target = keyof typeof TARGETS;
export const TARGET_NAMES = Object.keys(TARGETS) as [Target, ...Target[]];

export interface AdaptedModule {
  readonly module: string;
  readonly layer: number;
  readonly matrix: Matrix;
  readonly into: number;
  readonly out: number;
}

/** The modules that a preset adapts, layer by layer. */
export function adaptedModules({ layers, hidden, ffn }: DebertaConfig, target: Target): AdaptedModule[] {
  return Array.from({ length: layers }, (_, layer) =>
    TARGETS[target].map((matrix) => ({
      module: `deberta.encoder.layer.${layer}.${MODULES[matrix]}`,
      layer,
      matrix,
      into: matrix === "output" ? ffn : hidden,
      out: matrix === "intermediate" ? ffn : hidden,
    }))).flat();
}

/** A module's name within its layer. PEFT matches it from the end, so `dense` alone would be the pooler's, too. */
const suffixOf = (module: string): string => module.replace(/^.*\.layer\.\d+\./, "");

/** How PEFT's configuration names the adapted modules, `target_modules`. */
export function targetModules(sites: readonly AdaptedModule[]): string[] {
  return [...new Set(sites.map(({ module }) => suffixOf(module)))];
}

/** The name PEFT gives a tensor of an adapted module. */
export const peftName = (name: string): string => `base_model.model.${name}`;

/** Tensors under the names PEFT gives them. */
export function toPeft(parameters: HostTensors): HostTensors {
  return Object.fromEntries(Object.entries(parameters).map(([name, tensor]) => [peftName(name), tensor]));
}

/** Tensors by their own names again. */
export function fromPeft(tensors: HostTensors): HostTensors {
  const prefix = peftName("");
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name.replace(prefix, ""), tensor]));
}
