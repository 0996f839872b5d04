/** Every figure by the name that people type. */
import { unknownName } from "../../src/errors.ts";
import type { Figure } from "../../src/render/figure.ts";
import type { Results } from "../results.ts";
import { quantizationLevels } from "./quantization_levels.ts";
import { rankDistribution } from "./rank_distribution.ts";
import { scheme } from "./scheme.ts";

const FIGURES: Readonly<Record<string, (results: Results) => Figure>> = {
  scheme,
  "rank-distribution": rankDistribution,
  "quantization-levels": quantizationLevels,
};

export const FIGURE_NAMES: readonly string[] = Object.keys(FIGURES);

/** The function that makes a figure. @throws UsageError for a name that is none, with the names there are */
export function figureNamed(name: string): (results: Results) => Figure {
  const figure = Object.hasOwn(FIGURES, name) ? FIGURES[name] : undefined;
  if (!figure) throw unknownName("figure", name, FIGURE_NAMES);
  return figure;
}
