/** Methods that a profile runs at several sizes: at other ranks, other widths of a bottleneck. */
import type { Row, Section } from "../../src/render/table.ts";
import type { Results, Run } from "../results.ts";
import { inPrintOrder, methodTitle } from "./names.ts";
import { methodsOf, runsOf, sourcesOf } from "./runs.ts";

/** Options that are a method's size: an adapter's width, the rank that AdaLoRA ends with, LoRA's rank. */
const SIZES = ["bottleneck", "targetRank", "rank"];

/** A method at one size. */
export interface Sized {
  readonly method: string;
  readonly size: number | null;
  /** Its name in print: with the size, where that is another than in the method's main row. */
  readonly title: string;
  /** Whether the size is another one. */
  readonly other: boolean;
  /** All results, whose `runs` have those of this size and no other of the method. */
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

/** Every method as it is mainly run, in print order, then those that are run at other sizes, too, the largest first. */
export function everySize(results: Results): Sized[] {
  const main = methodsOf(results).map((method): Sized => {
    const size = sizeOf(runsOf(results, method)[0]);
    return { method, size, title: methodTitle(results, method), other: false, results };
  });
  const others = inPrintOrder(results, results.sizes.map(({ method }) => method)).flatMap((method) => {
    const runs = results.sizes.filter((run) => run.method === method);
    const sizes = [...new Set(runs.flatMap((run) => sizeOf(run) ?? []))].sort((a, b) => b - a);
    return sizes.map((size): Sized => {
      const own = runs.filter((run) => sizeOf(run) === size), title = sizedTitle(results, method, size);
      return { method, size, title, other: true, results: { ...results, runs: own } };
    });
  });
  return [...main, ...others];
}

/** The rows of a table, those of other sizes in a section of their own. */
export function sectionsBySize(rows: readonly (Sized & { readonly row: Row })[]): Section[] {
  const section = (of: typeof rows): Section => ({
    rows: of.map(({ row }) => row),
    sources: (row, column) => sourcesOf(of[row]!.results, of[row]!.method, column),
  });
  const main = rows.filter(({ other }) => !other), others = rows.filter(({ other }) => other);
  return [
    section(main),
    ...(others.length > 0 ? [{ title: "Methods of these at other sizes", ...section(others) }] : []),
  ];
}

/** A method's name in print with its size, if it has one: `LoRA r = 8`. */
export function sizedTitle(results: Pick<Results, "methods">, method: string, size: number | null): string {
  const title = methodTitle(results, method);
  return size === null ? title : `${title} ${method.endsWith("lora") ? "r" : "d"} = ${size}`;
}
