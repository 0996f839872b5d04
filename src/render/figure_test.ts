import assert from "node:assert/strict";
import { type Figure, renderFigure } from "./figure.ts";
import { toPng } from "./png.ts";

const figure = (name: string, values: number[]): Figure => ({
  name,
  title: "Ranks",
  subtitle: ["of nothing"],
  caption: "A caption.",
  data: values.map((value, i) => ({ name: `n${i}`, value })),
  spec: {
    mark: "rect",
    encoding: {
      x: { field: "name", type: "nominal", title: "Name" },
      color: { field: "value", type: "quantitative", scale: { scheme: "viridis" }, title: "Value" },
    },
  },
});

Deno.test("renderFigure() gives the same bytes whatever was drawn before", async () => {
  const first = await renderFigure(figure("a", [1, 2, 3]));
  await renderFigure(figure("b", [5, 6]));
  assert.deepEqual(await renderFigure(figure("a", [1, 2, 3])), first);
});

Deno.test("renderFigure() writes a specification that holds its data and its caption", async () => {
  const files = await renderFigure(figure("a", [1, 2.5]));
  const spec = JSON.parse(files["vl.json"]);
  assert.deepEqual(spec.datasets.rows, [{ name: "n0", value: 1 }, { name: "n1", value: 2.5 }]);
  assert.equal(spec.description, "A caption.");
  assert.equal(files.csv, "name,value\nn0,1\nn1,2.5\n");
});

Deno.test("renderFigure() draws a png of twice the svg's size", async () => {
  const { svg, png } = await renderFigure(figure("a", [1, 2, 3]));
  const width = Number(/ width="(\d+)"/.exec(svg)?.[1]), view = new DataView(png.buffer);
  assert.deepEqual([...png.subarray(1, 4)], [...new TextEncoder().encode("PNG")]);
  assert.equal(view.getUint32(16), 2 * width);
});

Deno.test("renderFigure() refuses a specification that Vega would draw only in part", async () => {
  const wrong = { ...figure("a", [1]), spec: { mark: "rect", encoding: { nowhere: { field: "value" } } } };
  await assert.rejects(() => renderFigure(wrong), /Vega cannot draw the figure as written: .*nowhere/);
});

Deno.test("toPng() sets text in the packaged font, whichever name it is asked for", () => {
  const svg = (font: string) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><text x="2" y="15" font-family="${font}">Rank</text></svg>`;
  assert.deepEqual(toPng(svg("DejaVu Sans, sans-serif")), toPng(svg("DejaVu Sans")));
  assert.notDeepEqual(toPng(svg("DejaVu Sans")), toPng(svg("DejaVu Sans").replace("Rank", "")));
});
