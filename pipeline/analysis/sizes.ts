/** Methods that a profile runs at several sizes: at other ranks, other widths of a bottleneck. */
import type { Results, Run } from "../results.ts";
import { inPrintOrder, methodTitle } from "./names.ts";

/** Options that are a method's size: an adapter's width, the rank that AdaLoRA ends with, LoRA's rank. */
const SIZES = ["bottleneck", "targetRank", "rank"];

/** A method at one size besides that of its main row. */
export interface Sized {
  readonly method: string;
  readonly size: number;
  /** All results, with the runs of this size in the place of the main ones. */
  readonly results: Results;
}

/** The size of a run as its options have it; null for a method without one. */
export function sizeOf(run: Pick<Run, "options"> | undefined): number | null {
  for (const option of SIZES) {
    const size = run?.options[option];
    if (typeof size === "number") return size;
  }
  return null;
}

/** Methods in print order at their other sizes, largest first. */
export function sizedOf(results: Results): Sized[] {
  const { sizes } = results;
  return inPrintOrder(results, sizes.map(({ method }) => method)).flatMap((method) => {
    const runs = sizes.filter((run) => run.method === method),
      found = new Set(runs.flatMap((run) => sizeOf(run) ?? []));
    return [...found].sort((a, b) => b - a).map((size) => ({
      method,
      size,
      results: { ...results, runs: runs.filter((run) => sizeOf(run) === size) },
    }));
  });
}

/** A method's name in print with its size, if it has one: `LoRA r = 8`. */
export function sizedTitle(results: Pick<Results, "methods">, method: string, size: number | null): string {
  const title = methodTitle(results, method);
  return size === null ? title : `${title} ${method.endsWith("lora") ? "r" : "d"} = ${size}`;
}
