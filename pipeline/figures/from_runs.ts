/** Figures of what a method's runs learned. */
import type { Datum, Figure, Printed } from "../../src/render/figure.ts";
import { QUIET } from "../../src/render/theme.ts";
import { methodTitle, taskTitle } from "../analysis/names.ts";
import { isUsable, provenance, requiredRuns, stepsOf } from "../analysis/runs.ts";
import type { Results, Run } from "../results.ts";

/**
 * The numbers of a heat map's cells, each made of the runs on its task.
 * @param by fields of a datum that tell cells apart, the task's title first
 */
export function printedCells(
  data: readonly Datum[],
  by: readonly string[],
  value: string,
  runs: readonly Run[],
): Printed[] {
  return data.map((datum) => ({
    name: by.map((field) => datum[field]).join("/"),
    value: datum[value] as number,
    sources: stepsOf(runs.filter(({ task }) => taskTitle(task) === datum[by[0]!])),
  }));
}

export interface Subject {
  readonly name: string;
  readonly title: string;
  readonly method: string;
  /** Those that it shows [all]. */
  readonly tasks?: readonly string[];
}

/**
 * Draws the runs of a method that did not diverge. Where all did, the figure says so: it stops nothing else.
 * @param draw is given those runs, and where they come from in words
 * @throws InputError without runs
 */
export function figureFromRuns(
  results: Results,
  { name, title, method, tasks }: Subject,
  draw: (runs: readonly Run[], from: string) => Omit<Figure, "name" | "title">,
): Figure {
  const shown = requiredRuns(results, method).filter(({ task }) => tasks?.includes(task) ?? true);
  const runs = shown.filter(isUsable), from = provenance({ ...results, runs: shown });
  if (runs.length > 0) return { name, title, ...draw(runs, from) };
  const why = `Every run of ${methodTitle(results, method)} diverged: there is nothing to draw`;
  return {
    name,
    title,
    subtitle: [`Profile ${results.profile}, backbone ${results.backbone}`],
    caption: `${why}. ${from}`,
    data: [{ why }],
    spec: {
      width: 440,
      height: 60,
      mark: { type: "text", fontSize: 12, align: "center", baseline: "middle", color: QUIET },
      encoding: { text: { field: "why", type: "nominal" } },
    },
  };
}
