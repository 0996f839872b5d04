/** A budget: how much of the paper's experiment is run, on which data and which backbone. */
import type { Target } from "../../src/peft/method.ts";
import type { DebertaConfig } from "../../src/deberta/config.ts";
import type { EngineName } from "../../src/engines/open.ts";
import type { TaskName } from "../../src/glue/tasks.ts";
import type { Json } from "../../src/graph/step.ts";
import type { FineTuneSettings } from "../../src/training/fine_tune.ts";
import type { PretrainSettings } from "../../src/training/pretrain.ts";

export interface MethodSettings {
  /** `recipe`: the task's. */
  readonly learningRate: number | "recipe";
  /** Options of the method, where they are not its defaults. */
  readonly options: { readonly [key: string]: Json };
}

/** What all runs of a profile have in common. */
export type CommonSettings =
  & Pick<FineTuneSettings, "batch" | "gateLearningRate" | "weightDecay" | "maxNorm">
  & Pick<FineTuneSettings, "evaluationLengths" | "tokensAtOnce">
  & { readonly warmupShare: number; readonly classifierDropout: number; readonly headStd: number };

/** What a task needs otherwise than the profile has it. */
export interface Recipe extends Partial<CommonSettings> {
  /** Of the methods that leave it to the task. */
  readonly learningRate: number;
  /** Longest padded length, one of the profile's; longer examples are truncated. */
  readonly maxLength?: number;
  /** Steps of warm-up, instead of a share of all. */
  readonly warmupSteps?: number;
  /** Options by method, in place of the profile's. */
  readonly options?: Readonly<Record<string, MethodSettings["options"]>>;
}

/** Where the encoder's weights come from: pre-trained here, or out of a downloaded checkpoint. */
export type Weights =
  | { readonly kind: "pretrain"; readonly settings: PretrainSettings }
  | {
    readonly kind: "checkpoint";
    /** Its name in data/sources.json. */
    readonly source: string;
    /** Rows of its word embeddings. */
    readonly vocabulary: number;
    /** Standard deviation of the weights of an untrained encoder, for the control. */
    readonly std: number;
  };

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
  /** The same where there is a GPU that it can use, if that makes a difference. */
  readonly engineOnGpu?: EngineName;
  /** `mini`: generated tasks and text. `glue`: the official files. */
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
  readonly weights: Weights;
  /** The methods in the order of the tables. */
  readonly methods: Readonly<Record<string, MethodSettings>>;
  readonly finetune: CommonSettings;
  /** Tasks that need something else than `finetune`. */
  readonly recipes?: Readonly<Partial<Record<TaskName, Recipe>>>;
  /** Epochs of each task. */
  readonly epochs: Readonly<Partial<Record<TaskName, number>>>;
  readonly seeds: readonly number[];
  /** The method that is also run on an untrained backbone, with the first of the seeds, to show what pre-training gives. */
  readonly control?: string;
  /** Methods that are run at other sizes, too, by the options in which they differ: for the table `glue`. */
  readonly sizes?: Readonly<Record<string, readonly MethodSettings["options"][]>>;
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
