/** Bit operations of runs, from their trained gates. */
import { accountBops, type BopsAccount, PARTS, type Scope, SCOPES } from "../../src/bops/account.ts";
import { loraReference, percentOf } from "../../src/bops/relative.ts";
import type { Forward } from "../../src/bops/shape.ts";
import type { RunRecord } from "../../src/training/record.ts";
import type { Results } from "../results.ts";
import { isUsable, runsOf, tasksOf } from "./runs.ts";
import { mean } from "./statistics.ts";

/** Bit operations of an example at a task's mean length, averaged over runs. */
export interface BopsSummary extends BopsAccount {
  /** Percent of LoRA r = 8 in full precision. */
  readonly percent: Readonly<Record<Scope, number>>;
  readonly length: number;
}

/** The forward pass of a run. @throws Error for a task that is not among the datasets */
export function forwardOf(results: Results, run: RunRecord): Forward {
  const dataset = results.datasets.find((row) => row.task === run.task);
  if (!dataset) throw new Error(`Run of "${run.method}" on "${run.task}" has no dataset to count its labels from`);
  return {
    shape: results.shape,
    sites: run.sites,
    costs: run.costs,
    virtualTokens: run.virtualTokens,
    length: run.meanLength,
    labels: dataset.labels ?? 1,
  };
}

/** Of one run. */
export function bopsOf(results: Results, run: RunRecord): BopsSummary {
  const forward = forwardOf(results, run), account = accountBops(forward);
  return { ...account, percent: percentOf(account, accountBops(loraReference(forward))), length: forward.length };
}

/** Mean over the runs of a method on one task that did not diverge; null without such runs. */
export function meanBops(results: Results, method: string, task: string): BopsSummary | null {
  return average(runsOf(results, method, task).filter(isUsable).map((run) => bopsOf(results, run)));
}

/** Mean over tasks of the means over runs, so that every task weighs the same; null without any. */
export function overallBops(results: Results, method: string): BopsSummary | null {
  return average(tasksOf(results).flatMap((task) => meanBops(results, method, task) ?? []));
}

function average(all: readonly BopsSummary[]): BopsSummary | null {
  if (all.length === 0) return null;
  const over = (read: (summary: BopsSummary) => number) => mean(all.map(read)) ?? 0;
  const each = <K extends string>(keys: readonly K[], read: (summary: BopsSummary, key: K) => number) =>
    Object.fromEntries(keys.map((key) => [key, over((summary) => read(summary, key))])) as Record<K, number>;
  return {
    scopes: each(SCOPES, (summary, scope) => summary.scopes[scope]),
    parts: each(PARTS, (summary, part) => summary.parts[part]),
    percent: each(SCOPES, (summary, scope) => summary.percent[scope]),
    length: over((summary) => summary.length),
  };
}
