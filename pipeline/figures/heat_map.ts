/** Heat maps side by side, one per task, with the values printed in their cells. */
import { inkOver } from "../../src/render/theme.ts";

export interface HeatMap {
  /** Fields of a datum; `panel`, `x` and `y` are discrete. */
  readonly panel: string;
  readonly x: { readonly field: string; readonly title: string; readonly order: readonly (string | number)[] };
  readonly y: { readonly field: string; readonly title: string; readonly order: readonly (string | number)[] };
  readonly value: string;
  /** Vega expression of the printed value, of `datum`. */
  readonly label: string;
  readonly panels: readonly string[];
  /** The colour scale and its legend. */
  readonly colour: Readonly<Record<string, unknown>>;
  /** Vega expression: 0 for the darkest cell, 1 for the brightest. */
  readonly brightness: string;
}

const CELL = { width: 33, height: 22 };
/** What the panels may be wide together for the figure to be read at 600 pixels. */
const WIDTH = 400;

/** Divisors of eight tasks and of four, so that no row of panels has a gap. */
const ABREAST = [4, 2];

/** The Vega-Lite specification of the panels, as many abreast as fit. */
export function heatMapSpec(map: HeatMap): Record<string, unknown> {
  const axis = (of: HeatMap["x"], more: Record<string, unknown>) => ({
    field: of.field,
    type: "ordinal",
    sort: of.order,
    scale: { domain: of.order, paddingInner: 0.04, paddingOuter: 0 },
    axis: { title: of.title, labelAngle: 0, ...more },
  });
  const fits = (abreast: number) => abreast * map.x.order.length * CELL.width <= WIDTH;
  return {
    facet: { field: map.panel, type: "nominal", sort: map.panels, header: { title: null } },
    columns: Math.min(ABREAST.find(fits) ?? 1, map.panels.length),
    spacing: { row: 18, column: 14 },
    spec: {
      width: { step: CELL.width },
      height: { step: CELL.height },
      encoding: { x: axis(map.x, { orient: "bottom" }), y: axis(map.y, { titlePadding: 6 }) },
      layer: [
        { mark: "rect", encoding: { color: { field: map.value, type: "quantitative", ...map.colour } } },
        {
          transform: [{ calculate: map.label, as: "label" }],
          mark: { type: "text", baseline: "middle", fontSize: 11 },
          encoding: { text: { field: "label", type: "nominal" }, color: inkOver(map.brightness) },
        },
      ],
    },
    resolve: { scale: { color: "shared" } },
  };
}
