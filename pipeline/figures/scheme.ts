/** One trained layer drawn as W0 + B E A: the paper's first figure, with what was learned in place of a sketch. */
import type { Figure } from "../../src/render/figure.ts";
import { BITS_COLOURS, INK, inkOver, QUIET } from "../../src/render/theme.ts";
import { taskTitle } from "../analysis/names.ts";
import { tasksOf } from "../analysis/runs.ts";
import { ITEM_LABELS, itemsOf, MATRIX_LABELS } from "../analysis/sites.ts";
import type { Results, Run } from "../results.ts";
import { figureFromRuns } from "./from_runs.ts";
import { drawScheme, SCHEME_HEIGHT, SCHEME_WIDTH } from "./scheme_drawing.ts";

const SUBJECT = { name: "scheme", title: "B-LoRA: W = W0 + B E A", method: "blora" };

/** The last layer's value projection of the first task's first seed: where the paper expects most rank. */
export function scheme(results: Results): Figure {
  return figureFromRuns(results, SUBJECT, (runs, from) => draw(results, runs, from));
}

function draw(results: Results, runs: readonly Run[], from: string): Omit<Figure, "name" | "title"> {
  const task = tasksOf(results)[0];
  const run = runs.find((run) => run.task === task) ?? runs[0];
  const deepest = run?.sites.filter((site) => site.layer === Math.max(...run.sites.map(({ layer }) => layer))) ?? [];
  const site = deepest.find(({ matrix }) => matrix === "value") ?? deepest[0];
  if (!run || !site) throw new Error('A run of "blora" adapts no matrix, so there is no layer to draw');
  const { data, exaggeration } = drawScheme(results.shape, site), sources = [run.step];
  const bits = itemsOf([site]).map((item) => ({
    name: `${ITEM_LABELS[item]}/bits`,
    value: site.bits[item] ?? 32,
    sources,
  }));
  const where = `${MATRIX_LABELS[site.matrix]} of layer ${site.layer + 1}, ${taskTitle(run.task)}, seed ${run.seed}`;
  return {
    subtitle: [
      `As trained: ${where}; profile ${results.profile}, backbone ${results.backbone}`,
      "Coloured: bits and ranks that were kept. Pale: switched off by the gates",
      `Sizes in proportion, but for the rank: it is drawn ${exaggeration.toFixed(1)} times as large`,
    ],
    caption:
      `One adapted matrix as trained with B-LoRA (q + ra): ${where}. Colour and filled boxes: learned bit width. ` +
      `Pale: ranks that the gates switched off; ${site.rank} of ${site.maxRank} are live. Widths and heights are in ` +
      `proportion but for the rank, drawn ${exaggeration.toFixed(1)} times as large. ${from}`,
    data,
    printed: [
      { name: "rank", value: site.rank, sources },
      { name: "largest rank", value: site.maxRank, sources },
      ...bits,
    ],
    spec: {
      width: SCHEME_WIDTH,
      height: SCHEME_HEIGHT,
      encoding: { x: place("x", SCHEME_WIDTH), y: place("y", SCHEME_HEIGHT, "descending") },
      layer: [...boxes("lit"), ...boxes("unlit"), ...texts()],
    },
  };
}

/** A position in pixels, y downwards. */
function place(field: string, size: number, sort = "ascending"): Record<string, unknown> {
  return { field, type: "quantitative", sort, axis: null, scale: { domain: [0, size], nice: false, zero: false } };
}

/** Rectangles, in the colour of their bit width or hollow. */
function boxes(kind: "lit" | "unlit"): Record<string, unknown>[] {
  const colour = kind === "lit"
    ? {
      field: "bits",
      type: "quantitative",
      scale: { scheme: BITS_COLOURS, type: "log", base: 2, domain: [2, 32] },
      legend: null,
    }
    : { value: "#f0f0f0" };
  return [{
    transform: [{ filter: `datum.kind === '${kind}'` }],
    mark: { type: "rect", stroke: kind === "lit" ? "#ffffff" : "#b8b8b8", strokeWidth: 0.7 },
    encoding: { x2: { field: "x2" }, y2: { field: "y2" }, color: colour },
  }];
}

/** Names, sizes and the numbers in boxes. */
function texts(): Record<string, unknown>[] {
  const layer = (role: string, mark: Record<string, unknown>, color: Record<string, unknown>) => ({
    transform: [{ filter: `datum.kind === '${role}'` }],
    mark: { type: "text", baseline: "middle", ...mark },
    encoding: { text: { field: "text", type: "nominal" }, color },
  });
  return [
    layer("name", { fontSize: 14, fontWeight: "bold" }, { value: INK }),
    layer("sign", { fontSize: 18 }, { value: INK }),
    layer("size", { fontSize: 11 }, { value: QUIET }),
    layer("heading", { fontSize: 12, align: "left" }, { value: INK }),
    layer("on", { fontSize: 10 }, inkOver("log(datum.bits / 2) / log(16)")),
    layer("off", { fontSize: 10 }, { value: "#8a8a8a" }),
  ];
}
