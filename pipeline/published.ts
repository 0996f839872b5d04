/**
 * Numbers from the literature, as published.
 *
 * Source: Zhang et al., "AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning", ICLR 2023, arXiv
 * 2303.10512, Table 1: DeBERTaV3-base, GLUE development sets, mean of 5 seeds. LoRA there adapts all six matrices. Of
 * B-LoRA (arXiv 2406.13046) only "about 70 % fewer bit operations, on par or better" could be obtained.
 */

/** Where the numbers come from, for captions. */
export const PUBLISHED_SOURCE =
  "AdaLoRA, ICLR 2023 (arXiv 2303.10512), Table 1: DeBERTaV3-base, GLUE dev, mean of 5 seeds";

export interface PublishedRow {
  readonly method: string;
  /** The method's size option, where its rows differ in it: the rank of LoRA, AdaLoRA's target, an adapter's width. */
  readonly size: number | null;
  /** Trained parameters without the head, as printed, in millions. */
  readonly millions: number;
  /** Percent. Two numbers: mnli matched and mismatched; qqp accuracy and F1. */
  readonly mnli: readonly [number, number];
  readonly sst2: number;
  readonly cola: number;
  readonly qqp: readonly [number, number];
  readonly qnli: number;
  readonly rte: number;
  readonly mrpc: number;
  readonly stsb: number;
  /** The average column as printed there: it takes the mean of accuracy and F1 for qqp. */
  readonly average: number;
}

type Scores = [[number, number], number, number, [number, number], number, number, number, number, number];

function row(method: string, size: number | null, millions: number, ...scores: Scores): PublishedRow {
  const [mnli, sst2, cola, qqp, qnli, rte, mrpc, stsb, average] = scores;
  return { method, size, millions, mnli, sst2, cola, qqp, qnli, rte, mrpc, stsb, average };
}

/** In the order of the source: method, size, parameters; mnli, sst2, cola, qqp, qnli, rte, mrpc, stsb, average. */
export const PUBLISHED: readonly PublishedRow[] = [
  row("full-ft", null, 184, [89.90, 90.12], 95.63, 69.19, [92.40, 89.80], 94.03, 83.75, 89.46, 91.60, 88.09),
  row("bitfit", null, 0.1, [89.37, 89.91], 94.84, 66.96, [88.41, 84.95], 92.24, 78.70, 87.75, 91.35, 86.02),
  row("houlsby", 32, 1.22, [90.13, 90.17], 95.53, 68.64, [91.91, 89.27], 94.11, 84.48, 89.95, 91.48, 88.12),
  row("pfeiffer", 64, 1.18, [90.33, 90.39], 95.61, 68.77, [92.04, 89.40], 94.29, 85.20, 89.46, 91.54, 88.24),
  row("lora", 8, 1.33, [90.65, 90.69], 94.95, 69.82, [91.99, 89.38], 93.87, 85.20, 89.95, 91.60, 88.34),
  row("adalora", 8, 1.27, [90.76, 90.79], 96.10, 71.45, [92.23, 89.74], 94.55, 88.09, 90.69, 91.84, 89.31),
  row("houlsby", 16, 0.61, [90.12, 90.23], 95.30, 67.87, [91.65, 88.95], 93.76, 85.56, 89.22, 91.30, 87.93),
  row("pfeiffer", 32, 0.60, [90.15, 90.28], 95.53, 69.48, [91.62, 88.86], 93.98, 84.12, 89.22, 91.52, 88.04),
  row("houlsby", 8, 0.31, [90.10, 90.02], 95.41, 67.65, [91.54, 88.81], 93.52, 83.39, 89.25, 91.31, 87.60),
  row("pfeiffer", 16, 0.30, [89.89, 90.06], 94.72, 69.06, [91.40, 88.62], 93.87, 84.48, 89.71, 91.38, 87.90),
  row("lora", 2, 0.33, [90.30, 90.38], 94.95, 68.71, [91.61, 88.91], 94.03, 85.56, 89.71, 91.68, 88.15),
  row("adalora", 2, 0.32, [90.66, 90.70], 95.80, 70.04, [91.78, 89.16], 94.49, 87.36, 90.44, 91.63, 88.86),
];

/** A published score under our headline rule, as a fraction: accuracy alone for qqp, the mean of both sets for mnli. */
export function publishedScore(row: PublishedRow, task: string): number | null {
  switch (task) {
    case "mnli":
      return fraction(row.mnli[0] + row.mnli[1]) / 2;
    case "qqp":
      return fraction(row.qqp[0]);
    case "sst2":
    case "cola":
    case "qnli":
    case "rte":
    case "mrpc":
    case "stsb":
      return fraction(row[task]);
    default:
      return null;
  }
}

/** Both numbers of the tasks that have two, as fractions, by `<task>.<metric>`. */
export function publishedMetrics({ mnli, qqp }: PublishedRow, tasks: readonly string[]): Record<string, number> {
  return {
    ...(tasks.includes("mnli") && {
      "mnli.accuracy": fraction(mnli[0]),
      "mnli.accuracy-mismatched": fraction(mnli[1]),
    }),
    ...(tasks.includes("qqp") && { "qqp.accuracy": fraction(qqp[0]), "qqp.f1": fraction(qqp[1]) }),
  };
}

/** Percent with two decimals as a fraction, without the dust of a division. */
function fraction(percent: number): number {
  return Math.round(percent * 100) / 10000;
}

/** The published row of a method run with a size; null where there is none. */
export function publishedRow(method: string, size: number | null): PublishedRow | null {
  return PUBLISHED.find((row) => row.method === method && (row.size === null || row.size === size)) ?? null;
}
