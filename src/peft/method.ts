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
  | { readonly kind: "log-step"; readonly probes: readonly string[] };

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

/** `calibrate` runs once before training, unquantized, to measure ranges. */
export type Mode = "train" | "evaluate" | "calibrate";

/** What a method sees of one run of the model. */
export interface Scope {
  readonly mode: Mode;
  /** A tensor of the backbone, by its Hugging Face name. */
  weight(name: string): Tensor;
  /** A parameter of the method, by the name it declared. */
  parameter(name: string): Tensor;
  readonly noise: Noise;
  /** Tells the range of a tensor to the calibration. Does nothing in other modes. */
  probe(name: string, x: Tensor): void;
  /** The projection as the backbone has it. */
  affine(module: string, x: Tensor): Tensor;
}

/** A method's part in one run of the model. What is missing is done as in the plain backbone. */
export interface Hooks {
  /** Projections of one input [N, in] by several modules, each [N, out]; undefined leaves them to the backbone. */
  linear?(modules: readonly string[], x: Tensor): Tensor[] | undefined;
  /** A sublayer's output before dropout and the residual sum. */
  afterSublayer?(module: string, h: Tensor): Tensor;
  /** A scalar added to the loss. */
  penalty?(): Tensor;
}

/** A method with its options, bound to a backbone. */
export interface Adapter {
  /** Backbone tensors that train, by exact name. */
  readonly trainsBackbone: readonly string[];
  /** The method's own tensors. */
  readonly parameters: Readonly<Record<string, Parameter>>;
  /** Called once per run of the model (or per trace), before anything else. */
  open(scope: Scope): Hooks;
  /** Ranks and bit widths as trained, read with test-time gates. */
  observe(parameters: HostTensors): Site[];
  /**
   * Folds a trained method into the backbone, where that can be done: the backbone's tensors that change, with their new
   * values. The model alone then computes what model and method did.
   */
  merge?(backbone: HostTensors, parameters: HostTensors): HostTensors;
  /** The method's tensors under the names of its published format, and that format's configuration. */
  save(parameters: HostTensors): { readonly config: Record<string, unknown>; readonly tensors: HostTensors };
}

export interface Method<Options = unknown> {
  /** What a person types, and the name in every table. */
  readonly name: string;
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

/** The name PEFT gives a tensor of an adapted module. */
export const peftName = (name: string): string => `base_model.model.${name}`;
