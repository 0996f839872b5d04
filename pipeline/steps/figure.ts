/** Renders one figure. */
import type { StepRunner } from "../../src/graph/step.ts";
import { renderFigure } from "../../src/render/figure.ts";
import { figureNamed } from "../figures/registry.ts";
import { gather } from "./gather.ts";
import { parametersOf, writeText } from "./json.ts";

export const run: StepRunner = async (context) => {
  const { name } = parametersOf<{ name: string }>(context);
  const files = await renderFigure(figureNamed(name).make(await gather(context)));
  for (const [format, contents] of Object.entries(files)) {
    if (typeof contents === "string") writeText(context, `${name}.${format}`, contents);
    else context.write(`${name}.${format}`, contents);
  }
};
