/** Ranks and bit widths of adapted projections, over layers, seeds and tasks. */
import { type EncoderShape, widths } from "../../src/bops/shape.ts";
import {
  MATRICES,
  type Matrix,
  QUANTIZED,
  type Quantized,
  type RunRecord,
  type Site,
} from "../../src/training/record.ts";

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
export function matricesOf(runs: readonly Pick<RunRecord, "sites">[]): Matrix[] {
  const adapted = new Set(runs.flatMap((run) => run.sites.map((site) => site.matrix)));
  return MATRICES.filter((matrix) => adapted.has(matrix));
}

/** What exists in adapted projections: no E, and no activation of it, where none has a diagonal. */
export function itemsOf(sites: readonly Site[]): Quantized[] {
  const diagonal = sites.some((site) => site.diagonal);
  return QUANTIZED.filter((item) => diagonal || (item !== "E" && item !== "E-out"));
}

/** Bit widths of some items at some sites; what is not quantized counts 32. */
export function bitWidths(sites: readonly Site[], items: readonly Quantized[]): number[] {
  return sites.flatMap((site) => items.map((item) => site.bits[item] ?? 32));
}

/** Mean bit width of a number in the adapted matrices and their updates, as trained; 32 for a method without sites. */
export function bitsPerWeight(shape: EncoderShape, sites: readonly Site[]): number {
  let bits = 0, count = 0;
  for (const site of sites) {
    const [input, output] = widths(shape, site.matrix), { rank } = site;
    const sizes = { W0: input * output, A: input * rank, B: rank * output, E: site.diagonal ? rank : 0 };
    for (const [item, size] of Object.entries(sizes)) {
      bits += size * (site.bits[item as Quantized] ?? 32);
      count += size;
    }
  }
  return count > 0 ? bits / count : 32;
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
