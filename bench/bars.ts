/** Bars side by side: how long each side of a comparison takes. */
import type { Datum, Figure } from "../src/render/figure.ts";
import { INK } from "../src/render/theme.ts";

/** The sides of comparisons as people read them. */
export const SIDES: Readonly<Record<string, string>> = {
  native: "Ours",
  pytorch: "PyTorch",
  tensorflow: "TensorFlow.js",
  "native, length buckets": "Ours, length buckets",
  "pytorch, dynamic": "PyTorch, padded per batch",
  "pytorch, padded": "PyTorch, all padded alike",
};

/** Apart in hue for colour-blind readers, in brightness in grey: dark is ours. */
const COLOURS = ["#1b4f72", "#f0a742", "#b8c4cc"];

/** @param options `value` is drawn as length, `row` names a group of bars, `panel` a panel with an axis of its own */
export function bars({ value, row, panel, ...figure }: Omit<Figure, "spec"> & {
  readonly value: { readonly field: string; readonly title: string };
  readonly row: string;
  readonly panel: string;
}): Figure {
  const present = Object.values(SIDES).filter((side) => figure.data.some((datum) => datum.side === side));
  const inOrder = (field: string) => [...new Set(figure.data.map((datum: Datum) => datum[field]))];
  const y = { field: row, type: "nominal", title: null, sort: inOrder(row), scale: { paddingInner: 0.25 } };
  const yOffset = { field: "side", type: "nominal", sort: present };
  const x = { field: value.field, type: "quantitative", title: value.title, axis: { grid: true, tickCount: 5 } };
  const color = {
    field: "side",
    type: "nominal",
    title: null,
    sort: present,
    scale: { domain: present, range: COLOURS.slice(0, present.length) },
    legend: { orient: "top", symbolType: "square", labelLimit: 0 },
  };
  const text = { field: value.field, type: "quantitative", format: ",.3~r" };
  return {
    ...figure,
    spec: {
      vconcat: inOrder(panel).map((name) => ({
        title: { text: name, fontSize: 12, offset: 6, frame: "group" },
        width: 430,
        height: { step: 14, for: "offset" },
        transform: [{ filter: { field: panel, equal: name } }],
        layer: [
          { mark: { type: "bar" }, encoding: { x, y, yOffset, color } },
          { mark: { type: "text", align: "left", dx: 3, color: INK }, encoding: { x, y, yOffset, text } },
        ],
      })),
      resolve: { scale: { color: "shared" } },
    },
  };
}
