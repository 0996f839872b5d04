/** What notebooks show: figures and tables as MIME bundles, which Jupyter asks a cell's last value for. */
import { Buffer } from "node:buffer";
import { markdownTable } from "markdown-table";
import { type Figure, renderFigure, specOf } from "../src/render/figure.ts";
import { toPng } from "../src/render/png.ts";

/** MIME type -> contents: text, or JSON for types that are JSON. */
export type Bundle = Readonly<Record<string, unknown>>;

const DISPLAY: unique symbol = Symbol.for("Jupyter.display");

/** A value that a notebook draws. Reference: https://docs.deno.com/runtime/reference/cli/jupyter/, "Rich content output" */
export interface Shown {
  [DISPLAY](): Bundle;
}

/** Front ends register version 5 of Vega-Lite; nothing that our figures use has changed since. */
const VEGA_LITE = {
  mime: "application/vnd.vegalite.v5+json",
  schema: "https://vega.github.io/schema/vega-lite/v5.json",
};

/** What a picture is shrunk by: a notebook carries it as text, where it should stay small and still be legible. */
const SHRUNK = 0.5;

/** The same drawing, laid out smaller. */
function shrink(svg: string): string {
  return svg.replace(/ width="([\d.]+)" height="([\d.]+)"/, (_, width, height) => {
    return ` width="${width * SHRUNK}" height="${height * SHRUNK}"`;
  });
}

/**
 * A figure, interactive where the front end knows Vega-Lite and as a picture where it does not (on GitHub, say).
 * @throws Error if Vega cannot draw it as written
 */
export async function showFigure(figure: Figure): Promise<Shown> {
  const { svg } = await renderFigure(figure);
  return {
    [DISPLAY]: () => ({
      [VEGA_LITE.mime]: { ...specOf(figure), $schema: VEGA_LITE.schema },
      "image/png": Buffer.from(toPng(shrink(svg))).toString("base64"),
      "text/plain": `${figure.title}. ${figure.caption}`,
    }),
  };
}

/** Rows as a table, with the keys of the first row as its heading; numbers stand to the right. */
export function showTable(rows: readonly Readonly<Record<string, string | number>>[]): Shown {
  const [first = {}] = rows, keys = Object.keys(first);
  const markdown = markdownTable([keys, ...rows.map((row) => keys.map((key) => String(row[key] ?? "")))], {
    align: keys.map((key) => typeof first[key] === "number" ? "right" : "left"),
  });
  return { [DISPLAY]: () => ({ "text/markdown": markdown, "text/plain": markdown }) };
}

/** A number with as many digits as a figure or a table needs, so that it prints the same on every machine. */
export function rounded(x: number, digits = 4): number {
  return Number(x.toPrecision(digits));
}
