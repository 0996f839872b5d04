/** What a fine-tuning run leaves behind: the data of every table and figure. */
import type { Cost } from "../peft/method.ts";

/** The linear projections of an encoder layer that can be adapted, named by their role. */
export const MATRICES = ["query", "key", "value", "attention-output", "intermediate", "output"] as const;
export type Matrix = typeof MATRICES[number];

/** What can be quantized in one adapted projection: four weights, then five activations. */
export const QUANTIZED = ["W0", "A", "B", "E", "W0-out", "A-out", "E-out", "AB-out", "out"] as const;
export type Quantized = typeof QUANTIZED[number];

/** What a method reports of one adapted projection, read with test-time gates. */
export interface Site {
  readonly layer: number;
  readonly matrix: Matrix;
  /** Effective rank of the update, and the rank it was built with. */
  readonly rank: number;
  readonly maxRank: number;
  /** Whether the update has a diagonal E between A and B. */
  readonly diagonal?: boolean;
  /** Bit width of each quantized item; what is missing is in full precision (32). */
  readonly bits: Partial<Record<Quantized, number>>;
}

/** Scores of one evaluation, by metric name (`accuracy`, `f1`, `matthews`, `pearson`, `spearman`, `accuracy-mismatched`). */
export type Scores = Readonly<Record<string, number>>;

export interface EpochRecord {
  /** 1 for the first epoch. */
  readonly epoch: number;
  /** Mean training loss, the method's penalty included. */
  readonly loss: number;
  readonly scores: Scores;
  /** The task's headline number, from `scores`, as in the average column. */
  readonly score: number;
}

export interface RunRecord {
  readonly method: string;
  readonly task: string;
  readonly seed: number;
  /** `pretrained`, or `random` for the control run on an untrained backbone. */
  readonly backbone: "pretrained" | "random";
  /** `collapsed`: the best epoch predicts one class (or one value) only. `diverged`: the loss or an answer stopped being finite. */
  readonly outcome: { readonly kind: "ok" | "collapsed" } | { readonly kind: "diverged"; readonly step: number };
  readonly split: string;
  readonly epochs: readonly EpochRecord[];
  /** Headline: the best evaluated epoch (the first of equals); null if the run diverged before any that counts. */
  readonly best: EpochRecord | null;
  /** The last evaluated epoch; null if the run diverged before its first evaluation. */
  readonly last: EpochRecord | null;
  /** Score of always answering the training set's majority class (0 for correlations and Matthews). */
  readonly majorityScore: number;
  /** Trainable numbers: of the method alone, of the task head, and all of the frozen backbone. */
  readonly parameters: { readonly method: number; readonly head: number; readonly backbone: number };
  readonly sites: readonly Site[];
  /** Products that the sites do not stand for: those of bottleneck adapters, prefixes, routers. */
  readonly costs: readonly Cost[];
  /** Tokens that the method adds to each example. */
  readonly virtualTokens: number;
  readonly steps: number;
  /** Mean number of tokens of a development example, special tokens included, before padding. */
  readonly meanLength: number;
  /** The settings as run: learning rate, epochs, batch, warm-up, ... */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** The method's options as run, complete: rank, lambdas, adapted matrices, ... */
  readonly options: Readonly<Record<string, string | number | boolean>>;
}
