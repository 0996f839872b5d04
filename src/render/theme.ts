/**
 * How every figure looks: legible at 600 pixels on a screen and across two columns of a paper, for colour-blind readers
 * and in grey.
 */

/** The packaged font comes first; the others are alike, for browsers that lack it. */
export const FONT = "DejaVu Sans, Verdana, sans-serif";

/** Pixels of the PNG for one of the SVG. */
export const PNG_SCALE = 2;

/** Perceptually uniform scales that stay ordered for colour-blind readers and in grey; both run from dark to bright. */
export const RANK_COLOURS = "viridis";
export const BITS_COLOURS = "plasma";

export const INK = "#1a1a1a";
export const QUIET = "#5a5a5a";

/** The colour of a value printed over a cell, by how bright the cell is (0 dark to 1 bright). */
export function inkOver(brightness: string): Record<string, unknown> {
  return { condition: { test: `${brightness} > 0.45`, value: "#000000" }, value: "#ffffff" };
}

/** Vega-Lite configuration. */
export const THEME = {
  background: "#ffffff",
  padding: 12,
  font: FONT,
  title: { fontSize: 14, subtitleFontSize: 11, anchor: "start", color: INK, subtitleColor: QUIET, offset: 14 },
  header: { labelFontSize: 12, labelFontWeight: "bold", labelColor: INK, titleFontSize: 12, labelPadding: 4 },
  axis: {
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: "normal",
    labelColor: INK,
    titleColor: INK,
    domain: false,
    ticks: false,
    labelPadding: 4,
  },
  legend: { labelFontSize: 11, titleFontSize: 12, titleFontWeight: "normal", labelColor: INK, titleColor: INK },
  text: { fontSize: 11, font: FONT },
  view: { stroke: null },
} as const;
