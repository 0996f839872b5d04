/** What a comparison with PyTorch looks like: a table and a picture. */
import { markdownTable } from "markdown-table";
import type { Datum, Figure } from "../src/render/figure.ts";
import { ABSENT } from "../src/render/table.ts";
import { describe, measuredOn } from "./machine.ts";
import { type Case, type Comparison, OURS } from "./peers.ts";
import { timesInWords } from "./statistics.ts";
import { bars, SIDES } from "./bars.ts";

/** A row per case; columns of sides that no case has are left out. */
export function tableOf({ cases }: Pick<Comparison, "cases">): string {
  const others = Object.keys(SIDES).filter((side) => cases.some(({ ratios }) => side in ratios));
  const cell = (value: number | undefined, decimals: number, unit = "") =>
    value === undefined ? ABSENT : value.toFixed(decimals) + unit;
  const milliseconds = (ms: number | undefined) => cell(ms, ms !== undefined && ms < 100 ? 1 : 0);
  const rowOf = ({ shape, method, batch, length, sides, ratios }: Case) => [
    shape,
    method,
    `${batch} × ${length}`,
    milliseconds(sides[OURS]!.ms_per_step),
    ...others.flatMap((side) => [milliseconds(sides[side]?.ms_per_step), cell(ratios[side]?.median, 2, "×")]),
    cell(sides[OURS]!.tokens_per_second, 0),
    cell(100 * sides[OURS]!.ceiling_share, 0, " %"),
    cell(sides[OURS]!.peak_rss_mb, 0),
    ...others.map((side) => cell(sides[side]?.peak_rss_mb, 0)),
  ];
  const heading = [
    "Shape",
    "Method",
    "Batch",
    "Ours (ms)",
    ...others.flatMap((side) => [`${SIDES[side]!} (ms)`, "ours / theirs"]),
    "Tokens/s",
    "Of GEMM",
    "Ours (MB)",
    ...others.map((side) => `${SIDES[side]!} (MB)`),
  ];
  const align = heading.map((_, i) => i < 3 ? "l" : "r");
  return markdownTable([heading, ...cases.map(rowOf)], { align });
}

/** Who computes on how many threads. */
function threadsOf({ cases }: Comparison): string {
  const ours = `${cases[0]!.threads} threads for ours and PyTorch`;
  return cases.some(({ sides }) => "tensorflow" in sides) ? `${ours}; TensorFlow.js takes every core` : ours;
}

/** The README's part: the picture, the table, and what was measured where. */
export function sectionOf(comparison: Comparison): string {
  const rounds = timesInWords(comparison.cases.map(({ sides }) => sides[OURS]!.ms_by_round.length), "round");
  return [
    "![Milliseconds per training step, ours and PyTorch's](bench/results/peers.png)",
    tableOf(comparison),
    `Medians of ${rounds}, ${
      threadsOf(comparison)
    }. "Tokens/s" counts all places of a batch, a quarter of which is padding. ` +
    "\"Of GEMM\": the step's useful FLOP/s as a share of large matrix products'.",
    measuredOn(comparison.machine),
  ].join("\n\n");
}

export function figureOf(comparison: Comparison): Figure {
  const { machine, cases } = comparison;
  const data = cases.flatMap(({ shape, method, batch, length, sides }) =>
    Object.entries(sides).map(([side, { ms_per_step }]): Datum => ({
      side: SIDES[side]!,
      method,
      shape: `${shape}, ${batch} × ${length}`,
      ms: ms_per_step,
    }))
  );
  return bars({
    name: "peers",
    title: "A training step",
    subtitle: [`${machine.cpu}; medians, shorter is better`, threadsOf(comparison)],
    caption: `Milliseconds per training step by shape (batch × length), method and side. ${describe(machine)}.`,
    data,
    value: { field: "ms", title: "Milliseconds per step" },
    row: "method",
    panel: "shape",
  });
}
