/** Renders one table. */
import type { StepRunner } from "../../src/graph/step.ts";
import { renderTable } from "../../src/render/render_table.ts";
import type { Results } from "../results.ts";
import { tableNamed } from "../tables/registry.ts";
import { parametersOf, readJson, writeText } from "./json.ts";

export const run: StepRunner = async (context) => {
  const { name } = parametersOf<{ name: string }>(context);
  const files = renderTable(tableNamed(name)(await readJson<Results>(context, "results.json")));
  for (const [format, text] of Object.entries(files)) writeText(context, `${name}.${format}`, text);
};
