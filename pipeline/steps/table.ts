/** Renders one table. */
import type { StepRunner } from "../../src/graph/step.ts";
import { renderTable } from "../../src/render/render_table.ts";
import { tableNamed } from "../tables/registry.ts";
import { gather } from "./gather.ts";
import { parametersOf, writeText } from "./json.ts";

export const run: StepRunner = async (context) => {
  const { name } = parametersOf<{ name: string }>(context);
  const files = renderTable(tableNamed(name).make(await gather(context)));
  for (const [format, text] of Object.entries(files)) writeText(context, `${name}.${format}`, text);
};
