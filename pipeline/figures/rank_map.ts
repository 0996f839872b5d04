/** Effective ranks as a map of layers and matrices, whatever method learned them. */
import type { Datum, Figure } from "../../src/render/figure.ts";
import { RANK_COLOURS } from "../../src/render/theme.ts";
import { methodTitle, taskTitle } from "../analysis/names.ts";
import { matricesOf, MATRIX_LABELS } from "../analysis/sites.ts";
import { mean } from "../analysis/statistics.ts";
import type { Results, Run } from "../results.ts";
import { figureFromRuns, printedCells, type Subject } from "./from_runs.ts";
import { heatMapSpec } from "./heat_map.ts";

interface Wanted extends Subject {
  readonly tasks: readonly string[];
}

/** Mean effective rank of each adapted matrix over seeds, one panel per task. @throws InputError without such runs */
export function rankMap(results: Results, wanted: Wanted): Figure {
  return figureFromRuns(results, wanted, (runs, from) => draw(results, runs, from, wanted));
}

function draw(
  results: Results,
  runs: readonly Run[],
  from: string,
  { method, tasks }: Wanted,
): Omit<Figure, "name" | "title"> {
  const matrices = matricesOf(runs);
  const layers = Array.from({ length: results.shape.layers }, (_, layer) => layer + 1);
  const data = tasks.flatMap((task) =>
    layers.flatMap((layer) =>
      matrices.flatMap((matrix): Datum[] => {
        const sites = runs.filter((run) => run.task === task).flatMap((run) => run.sites)
          .filter((site) => site.layer === layer - 1 && site.matrix === matrix);
        const rank = mean(sites.map((site) => site.rank));
        return rank === null
          ? []
          : [{ task: taskTitle(task), layer, matrix: MATRIX_LABELS[matrix], rank, runs: sites.length }];
      })
    )
  );
  // One panel of few layers is lower than the legend of several.
  const gradientLength = tasks.length > 1 ? 140 : Math.min(140, Math.max(66, 22 * layers.length));
  const top = Math.max(1, ...runs.flatMap((run) => run.sites.map((site) => site.maxRank)));
  return {
    subtitle: [`Mean over seeds, at most ${top}; profile ${results.profile}, backbone ${results.backbone}`],
    caption:
      `Effective rank of each adapted matrix of each layer after fine-tuning with ${
        methodTitle(results, method)
      }, mean over ` +
      `seeds; layer 1 reads the embeddings. ${from}`,
    data,
    printed: printedCells(data, ["task", "layer", "matrix"], "rank", runs),
    spec: heatMapSpec({
      panel: "task",
      panels: tasks.map(taskTitle),
      x: { field: "matrix", title: "Adapted matrix", order: matrices.map((matrix) => MATRIX_LABELS[matrix]) },
      y: { field: "layer", title: "Layer", order: layers.toReversed() },
      value: "rank",
      label: "format(datum.rank, '.1f')",
      colour: {
        scale: { scheme: RANK_COLOURS, domain: [0, top] },
        legend: { title: ["Effective", "rank"], gradientLength, tickCount: 4, format: "d" },
      },
      brightness: `datum.rank / ${top}`,
    }),
  };
}
