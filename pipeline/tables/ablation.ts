/** What quantization and rank adaptation each contribute. */
import type { Row, Table } from "../../src/render/table.ts";
import type { Quantized, RunRecord } from "../../src/training/record.ts";
import { overallBops } from "../analysis/bops.ts";
import { methodTitle } from "../analysis/names.ts";
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
import { bitWidths, itemsOf, WEIGHTS } from "../analysis/sites.ts";
import { mean, overAll, standardDeviation } from "../analysis/statistics.ts";
import type { Results } from "../results.ts";

/** From nothing to both; LoRA, as it is usually trained, stands for neither. */
const VARIANTS = [
  { method: "lora", quantization: false, ranks: false },
  { method: "blora-q", quantization: true, ranks: false },
  { method: "blora-ra", quantization: false, ranks: true },
  { method: "blora", quantization: true, ranks: true },
] as const;

export function ablation(results: Results): Table {
  const present = methodsOf(results), variants = VARIANTS.filter(({ method }) => present.includes(method));
  const runs = variants.flatMap(({ method }) => runsOf(results, method));
  return {
    name: "ablation",
    title: `Ablation of B-LoRA, profile ${results.profile}`,
    caption:
      "Score × 100, averaged over tasks: mean and standard deviation over seeds of that average. Effective rank " +
      "and bit widths: means over adapted matrices, layers, tasks and seeds, read with test-time gates; what is not " +
      "quantized counts 32 bits [choice]. BOPs: adapted layers [choice], in giga bit operations per example and in percent of " +
      "LoRA r = 8 in full precision, a mean of the runs' ratios. LoRA stands for neither part as it is usually trained: with its " +
      "own learning rate and start, and without E; without rank adaptation there is no E to quantize, either. " +
      provenance(results),
    notes: outcomeNotes(results, runs),
    columns: [
      { key: "method", title: "Method" },
      { key: "quantization", title: "Quantization" },
      { key: "rankAdaptation", title: "Rank adaptation" },
      { key: "score", title: "Score", factor: 100, decimals: 1, align: "right" },
      { key: "sd", title: "sd", factor: 100, decimals: 1, align: "right" },
      { key: "lastScore", title: "Last epoch", printed: false },
      { key: "rank", title: "Rank", decimals: 2, align: "right" },
      { key: "weightBits", title: "Weights", unit: "bits", decimals: 1, align: "right" },
      { key: "activationBits", title: "Activations", unit: "bits", decimals: 1, align: "right" },
      { key: "bops", title: "BOPs", unit: "GBOPs", factor: 1e-9, decimals: 4, align: "right" },
      { key: "relativeBops", title: "BOPs", unit: "% of LoRA", decimals: 1, align: "right" },
    ],
    sections: [{
      rows: variants.map(({ method, quantization, ranks }) => ({
        method: methodTitle(results, method),
        quantization,
        rankAdaptation: ranks,
        ...measured(results, method),
      })),
      sources: (row, column) => sourcesOf(results, variants[row]!.method, column),
    }],
  };
}

function measured(results: Results, method: string): Row {
  const tasks = tasksOf(results), runs = runsOf(results, method), usable = runs.filter(isUsable);
  const byTask = tasks.map((task) => summarize(runs.filter((run) => run.task === task)));
  const sites = usable.flatMap((run) => run.sites), bops = overallBops(results, method);
  const items = itemsOf(sites), marks = [...new Set(byTask.flatMap((summary) => [...summary.mark]))].sort().join("");
  const meanBits = (wanted: (item: Quantized) => boolean) => mean(bitWidths(sites, items.filter(wanted)));
  return {
    score: { value: overAll(byTask.map((summary) => summary.mean)), mark: marks },
    sd: standardDeviation(averagesBySeed(usable, tasks)),
    lastScore: overAll(byTask.map((summary) => summary.lastMean)),
    rank: mean(sites.map((site) => site.rank)),
    weightBits: meanBits((item) => WEIGHTS.includes(item)),
    activationBits: meanBits((item) => !WEIGHTS.includes(item)),
    bops: bops?.scopes["adapted-layers"] ?? null,
    relativeBops: bops?.percent["adapted-layers"] ?? null,
  };
}

/** The average over tasks of each seed that has a score on every task. */
function averagesBySeed(runs: readonly RunRecord[], tasks: readonly string[]): number[] {
  const seeds = [...new Set(runs.map((run) => run.seed))].sort((a, b) => a - b);
  return seeds.flatMap((seed) => {
    const average = overAll(
      tasks.map((task) => runs.find((run) => run.seed === seed && run.task === task)?.best?.score ?? null),
    );
    return average === null ? [] : [average];
  });
}
