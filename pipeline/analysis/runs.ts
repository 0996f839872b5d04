/** Groups runs, and says which of them a number stands for. */
import { InputError } from "../../src/errors.ts";
import type { RunRecord } from "../../src/training/record.ts";
import { inPrintOrder, methodTitle, taskTitle } from "./names.ts";
import type { Results, Run } from "../results.ts";
import { mean, standardDeviation } from "./statistics.ts";

/** Marks of a mean: a run in it collapsed; a run is missing from it because it diverged. */
export const COLLAPSED = "†";
export const DIVERGED = "‡";

export type Backbone = RunRecord["backbone"];

/** Scores of one method on one task over its seeds. */
export interface ScoreSummary {
  /** Of the best evaluated epoch. */
  readonly mean: number | null;
  readonly sd: number | null;
  /** Of the last epoch. */
  readonly lastMean: number | null;
  /** Mean of a metric over the best evaluated epochs. */
  meanOf(metric: string): number | null;
  /** Runs in the means; those that collapsed are among them. */
  readonly runs: number;
  readonly collapsed: number;
  /** Runs left out of the means. */
  readonly diverged: number;
  readonly mark: string;
}

/** Whether a run ended with numbers that mean something. */
export function isUsable(run: RunRecord): boolean {
  return run.outcome.kind !== "diverged";
}

/** Tasks in print order, of those that were run. */
export function tasksOf(results: Results): string[] {
  const run = new Set(results.runs.map((r) => r.task));
  return results.datasets.map((dataset) => dataset.task).filter((task) => run.has(task));
}

/** Methods in print order, of those that were run on the backbone. */
export function methodsOf(results: Results, backbone: Backbone = "pretrained"): string[] {
  return inPrintOrder(results, results.runs.filter((run) => run.backbone === backbone).map((run) => run.method));
}

/** The runs of one method, by seed and task; of one task if given. */
export function runsOf(
  results: Results,
  method: string,
  task?: string,
  backbone: Backbone = "pretrained",
): Run[] {
  return results.runs
    .filter((r) => r.method === method && r.backbone === backbone && (task === undefined || r.task === task))
    .sort(bySeedAndTask);
}

/** A fixed order, so that sums do not depend on the order in which runs ended. */
function bySeedAndTask(a: RunRecord, b: RunRecord): number {
  return a.seed - b.seed || (a.task < b.task ? -1 : Number(a.task > b.task));
}

/** The runs of a method, however they ended. @throws InputError if there are none */
export function requiredRuns(results: Results, method: string): Run[] {
  const runs = runsOf(results, method);
  if (runs.length > 0) return runs;
  throw new InputError(
    `Profile "${results.profile}" has no run of method "${method}", expected at least one: ` +
      `type deno task reproduce --profile ${results.profile}`,
  );
}

/** The seeds of all runs, ascending. */
function seedsOf(results: Results): number[] {
  return [...new Set(results.runs.map((run) => run.seed))].sort((a, b) => a - b);
}

/** Means over seeds. Diverged runs are left out and counted; collapsed ones are in and counted. */
export function summarize(runs: readonly RunRecord[]): ScoreSummary {
  const usable = runs.filter(isUsable);
  const best = usable.flatMap((run) => run.best ? [run.best.score] : []);
  const collapsed = usable.filter((run) => run.outcome.kind === "collapsed").length;
  const diverged = runs.length - usable.length;
  return {
    mean: mean(best),
    sd: standardDeviation(best),
    lastMean: mean(usable.flatMap((run) => run.last ? [run.last.score] : [])),
    meanOf: (metric) => mean(usable.flatMap((run) => run.best?.scores[metric] ?? [])),
    runs: best.length,
    collapsed,
    diverged,
    mark: (collapsed ? COLLAPSED : "") + (diverged ? DIVERGED : ""),
  };
}

/** One note for collapsed and one for diverged runs, naming each as `what` calls it; none where all went well. */
export function outcomeNotes(
  results: Results,
  runs: readonly RunRecord[] = results.runs,
  what = (run: RunRecord) => methodTitle(results, run.method),
): string[] {
  const nameOf = (run: RunRecord) =>
    `${what(run)} on ${taskTitle(run.task)} seed ${run.seed}` +
    (run.backbone === "random" ? " (random backbone)" : "");
  const collapsed = runs.filter((run) => run.outcome.kind === "collapsed").map(nameOf).sort();
  const diverged = runs.flatMap((run) =>
    run.outcome.kind === "diverged" ? [`${nameOf(run)} at step ${run.outcome.step}`] : []
  ).sort();
  return [
    ...(collapsed.length
      ? [`${COLLAPSED} predicts one class or one value only, and is part of the mean: ${collapsed.join("; ")}.`]
      : []),
    ...(diverged.length
      ? [
        `${DIVERGED} diverged, and is left out of the mean (${diverged.length} of ${runs.length} runs): ${
          diverged.join("; ")
        }.`,
      ]
      : []),
  ];
}

/** What every table of scores states: split, checkpoint rule, seeds, backbone, engine. */
export function provenance(results: Results): string {
  const splits = [...new Set(results.runs.map((run) => run.split))].sort().join(", ");
  const seeds = seedsOf(results);
  return `Profile ${results.profile}, backbone ${results.backbone}, split ${splits}, best evaluated epoch, ` +
    `${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")}, engine ${results.engine}.`;
}

/** The steps behind a number made of some runs: those that did not diverge, or all where all did, such as of a number of parameters. */
export function stepsOf(runs: readonly Run[]): string[] {
  const usable = runs.filter(isUsable);
  return (usable.length > 0 ? usable : runs).map(({ step }) => step).sort();
}

/** The steps behind a number of one method: those of one task if the column is that task's, such as `rte` or `rte.sd`. */
export function sourcesOf(
  results: Results,
  method: string,
  column: string,
  backbone: Backbone = "pretrained",
): string[] {
  const [task] = column.split(".");
  const one = results.datasets.some((dataset) => dataset.task === task) ? task : undefined;
  return stepsOf(runsOf(results, method, one, backbone));
}
