/** What scaling looks like: a table of exponents, and lines in log-log panels. */
import { markdownTable } from "markdown-table";
import type { Figure } from "../src/render/figure.ts";
import { describe, measuredOn } from "./machine.ts";
import { BASE, type Measured, type Scaling } from "./scaling.ts";

/** Where the dimensions cross, and of how many turns the times are medians. */
function conditionsOf({ threads, rounds }: Scaling): string {
  const { batch, length, layers, hidden, rank } = BASE;
  return `Base point: batch ${batch}, length ${length}, ${layers} layers of width ${hidden}, rank ${rank}. ` +
    `Medians of ${rounds} round${rounds === 1 ? "" : "s"}, ${threads} threads.`;
}

/** A row per dimension: where it went, how long a step took there, and both exponents; and under what conditions. */
export function scalingTable(scaling: Scaling): string {
  const { points, slopes } = scaling;
  const list = (own: readonly Measured[], of: (point: Measured) => number | string) => own.map(of).join(", ");
  const rows = slopes.map(({ dimension, time, arithmetic }) => {
    const own = points.filter((point) => point.dimension === dimension);
    return [
      dimension,
      list(own, ({ value }) => value),
      list(own, ({ ms_per_step }) => ms_per_step.toFixed(1)),
      time.toFixed(2),
      arithmetic.toFixed(2),
    ];
  });
  const heading = ["Dimension", "From ... to", "ms per step", "Slope of time", "Slope of arithmetic"];
  return `${markdownTable([heading, ...rows], { align: ["l", "l", "l", "r", "r"] })}\n\n${conditionsOf(scaling)}`;
}

export function scalingSection(scaling: Scaling): string {
  return [
    "![Time and arithmetic of a LoRA step by batch, length, layers, width and rank](bench/results/scaling.png)",
    scalingTable(scaling),
    measuredOn(scaling.machine),
  ].join("\n\n");
}

/** Both series over the first point's value, so that slopes can be compared by eye. */
export function scalingFigure({ machine, threads, points, slopes }: Scaling): Figure {
  const data = points.flatMap(({ dimension, value, ms_per_step, multiply_accumulates }) => {
    const first = points.find((point) => point.dimension === dimension)!;
    return [
      { dimension, value, series: "time", growth: ms_per_step / first.ms_per_step },
      { dimension, value, series: "arithmetic", growth: multiply_accumulates / first.multiply_accumulates },
    ];
  });
  const growths = data.map(({ growth }) => growth), domain = [Math.min(...growths) / 1.2, Math.max(...growths) * 1.2];
  const panels = slopes.map(({ dimension, time, arithmetic }) => {
    const values = points.filter((point) => point.dimension === dimension).map(({ value }) => value);
    return {
      title: {
        text: dimension,
        subtitle: `slopes ${time.toFixed(2)} and ${arithmetic.toFixed(2)}`,
        fontSize: 12,
        offset: 6,
      },
      width: 135,
      height: 135,
      transform: [{ filter: { field: "dimension", equal: dimension } }],
      mark: { type: "line", point: { size: 36 }, strokeWidth: 2 },
      encoding: {
        x: {
          field: "value",
          type: "quantitative",
          title: null,
          scale: { type: "log", nice: false, padding: 10 },
          axis: { values },
        },
        y: {
          field: "growth",
          type: "quantitative",
          title: "times the first",
          scale: { type: "log", nice: false, domain },
          axis: { values: [1, 4, 16, 64], grid: true },
        },
        color: {
          field: "series",
          type: "nominal",
          title: null,
          sort: ["time", "arithmetic"],
          scale: { domain: ["time", "arithmetic"], range: ["#1b4f72", "#f0a742"] },
          legend: { orient: "top" },
        },
      },
    };
  });
  return {
    name: "scaling",
    title: "How a LoRA step grows",
    subtitle: [`${machine.cpu}, ${threads} threads; both axes logarithmic`],
    caption: `Time and multiply-accumulates of a LoRA step over those of each dimension's smallest point. ${
      describe(machine)
    }.`,
    data,
    spec: { concat: panels, columns: 3, resolve: { scale: { color: "shared" } } },
  };
}
