/** New measurements in the place of older ones, of which only those stay that can stand in one table with them. */
import { differences, type Machine } from "./machine.ts";

export interface Measurements<T> {
  readonly machine: Machine;
  readonly items: readonly T[];
}

export interface Merged<T> {
  readonly items: readonly T[];
  /** A sentence that names the older measurements that had to go, and why; null if none had to. */
  readonly dropped: string | null;
}

/**
 * One table shows one machine, one set of versions and one number of threads: those of the new measurements.
 * @param nameOf what a measurement is of: a new one replaces an older one of the same name
 */
export function mergeMeasurements<T extends { readonly threads: number }>(
  saved: Measurements<T> | null,
  fresh: Measurements<T>,
  nameOf: (item: T) => string,
): Merged<T> {
  const reasons = saved ? differences(saved.machine, fresh.machine) : [], threads = fresh.items[0]?.threads;
  const again = new Set(fresh.items.map(nameOf)), kept: T[] = [], dropped: T[] = [];
  for (const item of saved?.items ?? []) {
    const fits = reasons.length === 0 && item.threads === threads;
    if (fits) kept.push(item);
    else if (!again.has(nameOf(item))) dropped.push(item);
  }
  const items = [...new Map([...kept, ...fresh.items].map((item) => [nameOf(item), item])).values()];
  if (dropped.length === 0) return { items, dropped: null };
  const others = [...new Set(dropped.map((item) => item.threads))].filter((count) => count !== threads);
  const why = [...reasons, ...(others.length > 0 ? [`threads ${others.join(" and ")}, now ${threads}`] : [])];
  return {
    items,
    dropped: `Dropped what was measured otherwise (${why.join("; ")}): ${dropped.map(nameOf).join(", ")}`,
  };
}
