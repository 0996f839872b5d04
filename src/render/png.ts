/** SVG to PNG, with the packaged font alone: the fonts of a machine never show. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Resvg } from "@resvg/resvg-js";
import { PNG_SCALE } from "./theme.ts";

const FONTS = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"];

/** Renders at `PNG_SCALE` pixels per unit on white. */
export function toPng(svg: string): Uint8Array {
  const fontFiles = FONTS.map((file) => fileURLToPath(import.meta.resolve(`dejavu-fonts-ttf/ttf/${file}`)));
  for (const file of fontFiles) readFileSync(file);
  const image = new Resvg(svg, {
    background: "#ffffff",
    fitTo: { mode: "zoom", value: PNG_SCALE },
    font: { fontFiles, loadSystemFonts: false, defaultFontFamily: "DejaVu Sans" },
  });
  return new Uint8Array(image.render().asPng());
}
