/** A budget: how much of the paper's experiment is run, on which data and which backbone. */
import type { Target } from "../../src/peft/method.ts";
import type { DebertaConfig } from "../../src/deberta/config.ts";
import type { EngineName } from "../../src/engines/open.ts";
import type { TaskName } from "../../src/glue/tasks.ts";
import type { Json } from "../../src/graph/step.ts";
import type { FineTuneSettings } from "../../src/training/fine_tune.ts";
import type { PretrainSettings } from "../../src/training/pretrain.ts";

export interface MethodSettings {
  readonly learningRate: number;
  /** Options of the method, where they are not its defaults. */
  readonly options: { readonly [key: string]: Json };
}

export interface Profile {
  readonly name: string;
  /** What it is, in a sentence for the end of a run. */
  readonly summary: string;
  /** The backbone in a few words, for captions. */
  readonly backboneTitle: string;
  /** Whether published numbers may stand beside its scores. */
  readonly comparePublished: boolean;
  /** What runs its tensor code unless another engine is asked for. */
  readonly engine: EngineName;
  /** `mini`: generated tasks and text. `glue`: the official files, and their own training text to pre-train on. */
  readonly data:
    | {
      readonly kind: "mini";
      readonly seed: number;
      readonly train: number;
      readonly dev: number;
      readonly corpus: number;
    }
    | { readonly kind: "glue" };
  readonly tasks: readonly TaskName[];
  /** The encoder; its vocabulary follows from the data. */
  readonly backbone: Omit<DebertaConfig, "vocabulary">;
  /** Padded lengths of batches, ascending; longer examples are truncated to the last. */
  readonly lengths: readonly number[];
  readonly pretrain: PretrainSettings;
  /** The methods in the order of the tables. */
  readonly methods: Readonly<Record<string, MethodSettings>>;
  readonly finetune:
    & Pick<
      FineTuneSettings,
      "batch" | "gateLearningRate" | "weightDecay" | "maxNorm" | "evaluationLengths" | "tokensAtOnce"
    >
    & { readonly warmupShare: number; readonly classifierDropout: number; readonly headStd: number };
  /** Epochs of each task. */
  readonly epochs: Readonly<Partial<Record<TaskName, number>>>;
  readonly seeds: readonly number[];
  /** The method that is also run on an untrained backbone, with the first of the seeds, to show what pre-training gives. */
  readonly control: string;
  /** The wider family of methods, for the table `extended`; on the profile's tasks and seeds if none are given. */
  readonly extended?: {
    readonly methods: Readonly<Record<string, MethodSettings>>;
    readonly tasks?: readonly TaskName[];
    readonly seeds?: readonly number[];
  };
  /** LoRA by adapted matrices and rank, for the table `rank-sweep`; its other options are those of `methods`. */
  readonly rankSweep?: {
    readonly tasks: readonly TaskName[];
    readonly targets: readonly Target[];
    readonly ranks: readonly number[];
    readonly seeds?: readonly number[];
  };
}
