/** The wider family of methods, beside the paper's. */
import type { Row, Section, Table } from "../../src/render/table.ts";
import { overallBops } from "../analysis/bops.ts";
import { methodTitle, taskTitle } from "../analysis/names.ts";
import {
  isUsable,
  methodsOf,
  outcomeNotes,
  provenance,
  runsOf,
  sourcesOf,
  summarize,
  tasksOf,
} from "../analysis/runs.ts";
import { bitsPerWeight } from "../analysis/sites.ts";
import { mean, overAll } from "../analysis/statistics.ts";
import type { Results } from "../results.ts";

/** Methods of the main table that the family is compared with. */
const REFERENCES = ["lora", "blora"];

export function extended(results: Results): Table {
  const family: Results = { ...results, runs: results.extended }, tasks = tasksOf(family);
  const seeds = new Set(family.runs.map(({ seed }) => seed));
  const same: Results = {
    ...results,
    runs: results.runs.filter((run) =>
      REFERENCES.includes(run.method) && run.backbone === "pretrained" && tasks.includes(run.task) &&
      seeds.has(run.seed)
    ),
  };
  const references = section(same, tasks), score = { factor: 100, decimals: 1, align: "right" } as const;
  return {
    name: "extended",
    title: `The wider family, profile ${results.profile}`,
    caption:
      "Methods that readers of the paper compare with; they are not in its table. Score × 100, mean over seeds. Parameters " +
      "without the head. Bits per weight: mean over all numbers of the adapted matrices and their updates. BOPs: adapted " +
      "layers, in percent of LoRA r = 8 in full precision on the same matrices; a weight counts at the width it is stored at, " +
      `although most of these methods multiply in full precision [choice]. ${provenance(family)}`,
    notes: outcomeNotes(results, [...family.runs, ...same.runs]),
    columns: [
      { key: "method", title: "Method" },
      ...tasks.map((task) => ({ key: task, title: taskTitle(task), ...score })),
      { key: "average", title: "Average", ...score },
      { key: "parameters", title: "Parameters", unit: "k", factor: 1e-3, decimals: 2, align: "right" },
      { key: "bits", title: "Bits per weight", decimals: 1, align: "right" },
      { key: "relativeBops", title: "BOPs", unit: "% of LoRA", decimals: 1, align: "right" },
      ...tasks.flatMap((task) => [
        { key: `${task}.sd`, title: `${taskTitle(task)} sd`, printed: false },
        { key: `${task}.runs`, title: `${taskTitle(task)} runs`, printed: false },
      ]),
    ],
    sections: [
      section(family, tasks),
      ...(references.rows.length ? [{ title: "For comparison, same tasks and seeds", ...references }] : []),
    ],
  };
}

function section(results: Results, tasks: readonly string[]): Section {
  const methods = methodsOf(results);
  return {
    rows: methods.map((method) => methodRow(results, method, tasks)),
    sources: (row, column) => sourcesOf(results, methods[row]!, column),
  };
}

function methodRow(results: Results, method: string, tasks: readonly string[]): Row {
  const runs = runsOf(results, method), usable = runs.filter(isUsable);
  const summaries = tasks.map((task) => ({ task, ...summarize(runs.filter((run) => run.task === task)) }));
  return {
    method: methodTitle(results, method),
    ...Object.fromEntries(summaries.map((s) => [s.task, s.mark ? { value: s.mean, mark: s.mark } : s.mean])),
    average: overAll(summaries.map((s) => s.mean)),
    parameters: Math.max(...runs.map((run) => run.parameters.method)),
    bits: mean(usable.map((run) => bitsPerWeight(results.shape, run.sites))),
    relativeBops: overallBops(results, method)?.percent["adapted-layers"] ?? null,
    ...Object.fromEntries(summaries.flatMap(({ task, sd, runs }) => [[`${task}.sd`, sd], [`${task}.runs`, runs]])),
  };
}
