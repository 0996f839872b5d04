/** Everything that tables and figures are made of. They read nothing else. */
import type { EncoderShape } from "../src/bops/shape.ts";
import type { Matrix, RunRecord } from "../src/training/record.ts";

/** One task as counted from the files that were used. */
export interface DatasetRow {
  /** As typed: `cola`, `sst2`, ... */
  readonly task: string;
  readonly train: number;
  readonly dev: number;
  /** The second development set of mnli. */
  readonly devMismatched: number | null;
  /** Number of classes; null for regression. */
  readonly labels: number | null;
  /** Mean number of tokens of a development example, special tokens included, before padding. */
  readonly meanLength: number;
  /** Share of the most frequent class in the development set; null for regression. */
  readonly majorityShare: number | null;
  /** Where the examples come from, in a few words: `GLUE, CoLA.zip` or `MiniGLUE, seed 1`. */
  readonly source: string;
}

/** A method's record with the name of the step that made it, which is where every number made of it comes from. */
export interface Run extends RunRecord {
  readonly step: string;
}

/** A method as print names it. */
export interface MethodFacts {
  /** As typed. */
  readonly name: string;
  readonly label: string;
  /** What it is, in half a sentence. */
  readonly title: string;
  readonly reference: string;
}

/** What a method needs for one training step, worked out from its graph: the same on every machine. */
export interface ResourceRow {
  readonly method: string;
  /** The preset of adapted matrices; null for a method that has no such option. */
  readonly target: string | null;
  /** Trainable numbers without the head. */
  readonly parameters: number;
  /** Multiply-accumulates of all matrix products of a step, forward and backward. */
  readonly macs: number;
  /** The most bytes that weights, optimizer state and intermediate results take up together. */
  readonly bytes: number;
}

export interface Resources {
  readonly step: string;
  readonly batch: number;
  readonly length: number;
  readonly rows: readonly ResourceRow[];
}

/** A weight W seen through the r leading singular directions of an update, of itself, and of random matrices. */
export interface SubspaceRow {
  readonly layer: number;
  readonly matrix: Matrix;
  readonly rank: number;
  /** ||U^T W V^T||_F by whose directions U and V are. */
  readonly update: number;
  readonly weight: number;
  readonly random: number;
  /** Frobenius norms of W and of the update. */
  readonly weightNorm: number;
  readonly updateNorm: number;
}

export interface Subspace {
  readonly step: string;
  readonly task: string;
  readonly seed: number;
  readonly rows: readonly SubspaceRow[];
}

export interface Results {
  readonly profile: string;
  /** What the tasks are: `GLUE`, or `MiniGLUE` for generated ones. */
  readonly benchmark: string;
  /** Whether published numbers are comparable at all: never for a backbone of our own. */
  readonly comparePublished: boolean;
  readonly engine: string;
  /** The backbone in words, e.g. `DeBERTaV3-xsmall`. */
  readonly backbone: string;
  readonly shape: EncoderShape;
  /** Every method that occurs, in the order in which methods are printed. */
  readonly methods: readonly MethodFacts[];
  /** The paper's methods on all tasks. */
  readonly runs: readonly Run[];
  /** Some of these methods at other sizes, on all tasks. */
  readonly sizes: readonly Run[];
  /** The wider family, on tasks and seeds of its own. */
  readonly extended: readonly Run[];
  /** LoRA by adapted matrices and rank. */
  readonly rankSweep: readonly Run[];
  readonly subspace: Subspace | null;
  readonly resources: Resources | null;
  /** In the order in which tasks are printed. */
  readonly datasets: readonly DatasetRow[];
}
