/** A figure as a value: its data and a Vega-Lite specification that draws them. */
import type { Config, TopLevelSpec } from "vega-lite";
import { compile } from "vega-lite";
import * as vega from "vega";
import { csv } from "./csv.ts";
import { canonicalJson } from "./json.ts";
import { toPng } from "./png.ts";
import { THEME } from "./theme.ts";

export type Datum = Readonly<Record<string, number | string | boolean | null>>;

/** A number that a figure prints. */
export interface Printed {
  /** Unique in the figure. */
  readonly name: string;
  readonly value: number;
  /** What it was made from. */
  readonly sources: readonly string[];
}

export interface Figure {
  /** As typed on the command line; the stem of the files. */
  readonly name: string;
  /** One line, drawn above. */
  readonly title: string;
  /** Lines drawn below the title. */
  readonly subtitle: readonly string[];
  /** What a paper prints below the figure. */
  readonly caption: string;
  readonly data: readonly Datum[];
  /** Every number that it prints, but for those of axes and legends, where somebody wants to know. */
  readonly printed?: readonly Printed[];
  /** The Vega-Lite specification without title and data, which is named `rows`. */
  readonly spec: Readonly<Record<string, unknown>>;
}

export interface FigureFiles {
  readonly "vl.json": string;
  readonly svg: string;
  readonly png: Uint8Array;
  readonly csv: string;
}

/** The whole specification: it draws the figure by itself in any Vega-Lite viewer. */
export function specOf(figure: Figure): Record<string, unknown> {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    ...figure.spec,
    description: figure.caption,
    title: { text: figure.title, subtitle: figure.subtitle },
    data: { name: "rows" },
    datasets: { rows: figure.data },
    config: THEME,
  };
}

/** File extension -> contents. Same figure, same bytes, whatever was drawn before. */
export async function renderFigure(figure: Figure): Promise<FigureFiles> {
  const spec = specOf(figure), svg = await toSvg(spec);
  return { "vl.json": canonicalJson(spec), svg, png: toPng(svg), csv: dataCsv(figure.data) };
}

/** What vega's types leave out: its ruler for text, meant to be replaced where there is no canvas. */
interface TextMetrics {
  width(item: { readonly fontSize?: number; readonly fontWeight?: string | number }, text: unknown): number;
}
const { textMetrics } = vega as unknown as { readonly textMetrics: TextMetrics };

/** DejaVu Sans sets English text at about 0.53 of its size per character, 0.6 in bold; a little more is allowed: the same on every machine. */
const ruler: TextMetrics["width"] = ({ fontSize = 11, fontWeight }, text) =>
  Math.ceil((fontWeight === "bold" ? 0.64 : 0.56) * fontSize * String(text ?? "").length);

/** Draws without a browser. */
async function toSvg(spec: Record<string, unknown>): Promise<string> {
  textMetrics.width = ruler;
  vega.resetSVGDefIds();
  const warnings: string[] = [];
  const logger = vega.logger(vega.Warn, undefined, (_method, _level, input) => warnings.push(input.join(" ")));
  const compiled = compile(spec as unknown as TopLevelSpec, { config: THEME as unknown as Config, logger });
  const view = new vega.View(vega.parse(compiled.spec), { renderer: "none", logger });
  const svg = await view.toSVG();
  view.finalize();
  if (warnings.length > 0) throw new Error(`Vega cannot draw the figure as written: ${warnings.join("; ")}`);
  return svg + "\n";
}

function dataCsv(data: readonly Datum[]): string {
  const keys = new Set(data.flatMap((datum) => Object.keys(datum)));
  return csv([...keys], data);
}
