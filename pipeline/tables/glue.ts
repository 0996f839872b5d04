/** The main table: every method on every task, with what it trains and what it costs. */
import type { Column, Row, Table } from "../../src/render/table.ts";
import type { RunRecord } from "../../src/training/record.ts";
import { overallBops } from "../analysis/bops.ts";
import { headlineMetric, methodTitle, severalMetrics, taskTitle } from "../analysis/names.ts";
import {
  type Backbone,
  methodsOf,
  outcomeNotes,
  provenance,
  runsOf,
  sourcesOf,
  summarize,
  tasksOf,
} from "../analysis/runs.ts";
import { everySize, sectionsBySize, sizedTitle, sizeOf } from "../analysis/sizes.ts";
import { overAll } from "../analysis/statistics.ts";
import type { Results } from "../results.ts";
import { publishedNotes, publishedSections } from "./glue_published.ts";

/** The seeds of the control runs. */
function seedsInWords({ runs }: Results): string {
  const seeds = [...new Set(runs.filter(({ backbone }) => backbone === "random").map(({ seed }) => seed))]
    .sort((a, b) => a - b);
  return `seed${seeds.length === 1 ? "" : "s"} ${seeds.join(", ")}`;
}

export function glue(results: Results): Table {
  const tasks = tasksOf(results), sizes = new Set<RunRecord>(results.sizes), controls = methodsOf(results, "random");
  const rows = everySize(results).map((of) => {
    return { ...of, row: { ...methodRow(of.results, of.method, tasks, "pretrained"), method: of.title } };
  });
  const sections = sectionsBySize(rows);
  if (controls.length > 0) {
    const controlRows = controls.map((method) => methodRow(results, method, tasks, "random"));
    sections.push({
      title: `Control: the same method on an untrained backbone, ${seedsInWords(results)}`,
      rows: controlRows,
      sources: (row, column) => sourcesOf(results, controls[row]!, column, "random"),
    });
  }
  sections.push(...publishedSections(results, tasks, rows));
  return {
    name: "glue",
    title: `${results.benchmark} development scores, profile ${results.profile}`,
    caption: `Score × 100: ${metricsInWords(tasks)}. Mean over seeds; further metrics, standard deviations, ` +
      "last-epoch scores, scores of always answering the most frequent class, and numbers of runs are in the csv and json " +
      `files. ${provenance(results)} Parameters in thousands, without and with ` +
      "the task head (the largest of all tasks). BOPs: bit operations of the adapted layers in percent of LoRA " +
      "r = 8 in full precision [choice], mean over tasks and seeds.",
    notes: [
      ...outcomeNotes(results, [...results.runs, ...results.sizes], (run) => {
        return sizedTitle(results, run.method, sizes.has(run) ? sizeOf(run) : null);
      }),
      ...publishedNotes(results),
    ],
    columns: columnsOf(tasks),
    sections,
  };
}

function columnsOf(tasks: readonly string[]): Column[] {
  const score = { factor: 100, decimals: 1 }, raw = { printed: false };
  return [
    { key: "method", title: "Method" },
    ...tasks.map((task) => ({ key: task, title: taskTitle(task), ...score })),
    { key: "average", title: "Average", ...score },
    { key: "parameters", title: "Parameters", unit: "k", factor: 1e-3, decimals: 1 },
    { key: "parametersWithHead", title: "With head", unit: "k", factor: 1e-3, decimals: 1 },
    { key: "relativeBops", title: "BOPs", unit: "% of LoRA", decimals: 1 },
    ...tasks.flatMap((task) =>
      [...severalMetrics(task), "sd", "lastMean", "majority", "runs", "collapsed", "diverged"].map((what) => ({
        key: `${task}.${what}`,
        title: `${taskTitle(task)} ${what}`,
        ...raw,
      }))
    ),
    { key: "average.lastMean", title: "Average lastMean", ...raw },
    { key: "average.published", title: "Average as printed in the source", ...raw },
  ];
}

function methodRow(results: Results, method: string, tasks: readonly string[], backbone: Backbone): Row {
  const runs = runsOf(results, method, undefined, backbone);
  const summaries = tasks.map((task) => ({ task, ...summarize(runs.filter((run) => run.task === task)) }));
  const most = (read: (run: typeof runs[number]) => number) => runs.length ? Math.max(...runs.map(read)) : null;
  return {
    method: methodTitle(results, method),
    ...Object.fromEntries(summaries.map((s) => [s.task, s.mark ? { value: s.mean, mark: s.mark } : s.mean])),
    average: overAll(summaries.map((s) => s.mean)),
    parameters: most((run) => run.parameters.method),
    parametersWithHead: most((run) => run.parameters.method + run.parameters.head),
    relativeBops: backbone === "random" ? null : overallBops(results, method)?.percent["adapted-layers"] ?? null,
    ...Object.fromEntries(
      summaries.flatMap(({ task, meanOf, sd, lastMean, runs: count, collapsed, diverged }) => {
        const metrics = Object.fromEntries(severalMetrics(task).map((metric) => [metric, meanOf(metric)]));
        const majority = runs.find((run) => run.task === task)?.majorityScore ?? null;
        return Object.entries({ ...metrics, sd, lastMean, majority, runs: count, collapsed, diverged })
          .map(([key, value]) => [`${task}.${key}`, value]);
      }),
    ),
    "average.lastMean": overAll(summaries.map((s) => s.lastMean)),
  };
}

/** The metric of each task, tasks of one metric together. */
function metricsInWords(tasks: readonly string[]): string {
  const metrics = [...new Set(tasks.map(headlineMetric))];
  return metrics.map((metric) => {
    const names = tasks.filter((task) => headlineMetric(task) === metric).map(taskTitle);
    return `${metric} (${names.join(", ")})`;
  }).join(", ");
}
