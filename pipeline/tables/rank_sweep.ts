/** LoRA's score by adapted matrices and rank (Hu et al. 2022, arXiv 2106.09685, Table 6). */
import type { Section, Table } from "../../src/render/table.ts";
import { taskTitle } from "../analysis/names.ts";
import { outcomeNotes, provenance, stepsOf, summarize, tasksOf } from "../analysis/runs.ts";
import { matricesOf, MATRIX_LABELS } from "../analysis/sites.ts";
import type { Results, Run } from "../results.ts";

export function rankSweep(results: Results): Table {
  const sweep: Results = { ...results, runs: results.rankSweep }, { runs } = sweep;
  const ranks = [...new Set(runs.map((run) => Number(run.options.rank)))].sort((a, b) => a - b);
  return {
    name: "rank-sweep",
    title: `LoRA by adapted matrices and rank, profile ${results.profile}`,
    caption:
      "Score × 100 of LoRA, mean over seeds, by which matrices are adapted and at which rank r; parameters of the " +
      `smallest and the largest rank. After the LoRA paper's table (arXiv 2106.09685). ${provenance(sweep)}`,
    notes: outcomeNotes(results, runs, (run) => `${matricesInWords([run])} at r = ${run.options.rank}`),
    columns: [
      { key: "matrices", title: "Adapted matrices" },
      ...ranks.map((rank) => ({
        key: `r${rank}`,
        title: `r = ${rank}`,
        factor: 100,
        decimals: 1,
        align: "right" as const,
      })),
      { key: "least", title: "Parameters, least", unit: "k", factor: 1e-3, decimals: 2, align: "right" },
      { key: "most", title: "Parameters, most", unit: "k", factor: 1e-3, decimals: 2, align: "right" },
      ...ranks.map((rank) => ({ key: `r${rank}.sd`, title: `r = ${rank} sd`, printed: false })),
    ],
    sections: tasksOf(sweep).map((task) => taskSection(runs.filter((run) => run.task === task), task, ranks)),
  };
}

function taskSection(runs: readonly Run[], task: string, ranks: readonly number[]): Section {
  const targets = [...new Set(runs.map((run) => String(run.options.target)))].sort((a, b) => matrices(a) - matrices(b));
  function matrices(target: string): number {
    return matricesOf(runs.filter((run) => run.options.target === target)).length;
  }
  const cell = (target: string, rank?: number) =>
    runs.filter((run) => run.options.target === target && (rank === undefined || run.options.rank === rank))
      .sort((a, b) => a.seed - b.seed);
  return {
    title: taskTitle(task),
    rows: targets.map((target) => {
      const sizes = cell(target).map((run) => run.parameters.method);
      const summaries = ranks.map((rank) => ({ rank, ...summarize(cell(target, rank)) }));
      return {
        matrices: matricesInWords(cell(target)),
        ...Object.fromEntries(summaries.map((s) => [`r${s.rank}`, s.mark ? { value: s.mean, mark: s.mark } : s.mean])),
        least: Math.min(...sizes),
        most: Math.max(...sizes),
        ...Object.fromEntries(summaries.map(({ rank, sd }) => [`r${rank}.sd`, sd])),
      };
    }),
    sources: (row, column) => {
      const rank = /^r(\d+)/.exec(column)?.[1];
      return stepsOf(cell(targets[row]!, rank === undefined ? undefined : Number(rank)));
    },
  };
}

function matricesInWords(runs: readonly Pick<Run, "sites">[]): string {
  return matricesOf(runs).map((matrix) => MATRIX_LABELS[matrix]).join(", ");
}
