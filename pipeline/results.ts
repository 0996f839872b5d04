/** Everything that tables and figures are made of. They read nothing else. */
import type { EncoderShape } from "../src/bops/shape.ts";
import type { RunRecord } from "../src/training/record.ts";

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
  readonly runs: readonly RunRecord[];
  /** In the order in which tasks are printed. */
  readonly datasets: readonly DatasetRow[];
}
