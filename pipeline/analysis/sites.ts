/** Ranks and bit widths of adapted projections, over layers, seeds and tasks. */
import {
  MATRICES,
  type Matrix,
  QUANTIZED,
  type Quantized,
  type RunRecord,
  type Site,
} from "../../src/training/record.ts";
import { hasDiagonal } from "./names.ts";

/** How matrices are labelled in figures, after the literature's W_q, W_k, ... */
export const MATRIX_LABELS: Readonly<Record<Matrix, string>> = {
  "query": "Wq",
  "key": "Wk",
  "value": "Wv",
  "attention-output": "Wo",
  "intermediate": "Wf1",
  "output": "Wf2",
};

/** The weights among what can be quantized; the rest are activations. */
export const WEIGHTS: readonly Quantized[] = ["W0", "A", "B", "E"];

/** The matrices that the runs adapt, in the order of a layer. */
export function matricesOf(runs: readonly RunRecord[]): Matrix[] {
  const adapted = new Set(runs.flatMap((run) => run.sites.map((site) => site.matrix)));
  return MATRICES.filter((matrix) => adapted.has(matrix));
}

/** What exists in a method's adapted projection: no E, and no activation of it, without a diagonal. */
export function itemsOf(method: string): Quantized[] {
  return QUANTIZED.filter((item) => hasDiagonal(method) || (item !== "E" && item !== "E-out"));
}

/** Bit widths of some items at some sites; what is not quantized counts 32. */
export function bitWidths(sites: readonly Site[], items: readonly Quantized[]): number[] {
  return sites.flatMap((site) => items.map((item) => site.bits[item] ?? 32));
}

/** How quantized items are labelled in figures. */
export const ITEM_LABELS: Readonly<Record<Quantized, string>> = {
  "W0": "W0",
  "A": "A",
  "B": "B",
  "E": "E",
  "W0-out": "W0 out",
  "A-out": "A out",
  "E-out": "E out",
  "AB-out": "AB out",
  "out": "layer out",
};
