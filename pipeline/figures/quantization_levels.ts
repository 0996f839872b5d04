/** Which weights and activations need precision: the paper's third figure. */
import type { Datum, Figure } from "../../src/render/figure.ts";
import { BITS_COLOURS } from "../../src/render/theme.ts";
import { taskTitle } from "../analysis/names.ts";
import { tasksOf } from "../analysis/runs.ts";
import { bitWidths, ITEM_LABELS, itemsOf, matricesOf, MATRIX_LABELS, WEIGHTS } from "../analysis/sites.ts";
import { median } from "../analysis/statistics.ts";
import type { Results, Run } from "../results.ts";
import { figureFromRuns, printedCells } from "./from_runs.ts";
import { heatMapSpec } from "./heat_map.ts";

const SUBJECT = { name: "quantization-levels", title: "Bit widths learned by B-LoRA", method: "blora" };

/** Median bit width across the encoder of each weight and activation, per matrix, one panel per task. */
export function quantizationLevels(results: Results): Figure {
  return figureFromRuns(results, SUBJECT, (runs, from) => draw(results, runs, from));
}

function draw(results: Results, runs: readonly Run[], from: string): Omit<Figure, "name" | "title"> {
  const tasks = tasksOf(results), matrices = matricesOf(runs);
  const items = itemsOf(runs.flatMap((run) => run.sites));
  const data = tasks.flatMap((task) =>
    items.flatMap((item) =>
      matrices.flatMap((matrix): Datum[] => {
        const sites = runs.filter((run) => run.task === task).flatMap((run) => run.sites)
          .filter((site) => site.matrix === matrix);
        if (sites.length === 0) return [];
        return [{
          task: taskTitle(task),
          item: ITEM_LABELS[item],
          kind: WEIGHTS.includes(item) ? "weight" : "activation",
          matrix: MATRIX_LABELS[matrix],
          bits: median(bitWidths(sites, [item])),
          sites: sites.length,
        }];
      })
    )
  );
  return {
    subtitle: [`Median over layers and seeds; profile ${results.profile}, backbone ${results.backbone}`],
    caption:
      "Median bit width across the encoder of each weight (W0, A, B, E) and each activation (the outputs) of the " +
      `adapted matrices after fine-tuning with B-LoRA (q + ra), over layers and seeds. ${from}`,
    data,
    printed: printedCells(data, ["task", "item", "matrix"], "bits", runs),
    spec: heatMapSpec({
      panel: "task",
      panels: tasks.map(taskTitle),
      x: { field: "matrix", title: "Adapted matrix", order: matrices.map((matrix) => MATRIX_LABELS[matrix]) },
      y: { field: "item", title: "", order: items.map((item) => ITEM_LABELS[item]) },
      value: "bits",
      label: "format(datum.bits, '~r')",
      colour: {
        scale: { scheme: BITS_COLOURS, type: "log", base: 2, domain: [2, 32] },
        legend: { title: ["Median", "bits"], gradientLength: 140, values: [2, 4, 8, 16, 32], format: "d" },
      },
      brightness: "log(datum.bits / 2) / log(16)",
    }),
  };
}
