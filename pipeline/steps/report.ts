/** Puts every table and figure on one page, the paper's claims first. */
import type { StepRunner } from "../../src/graph/step.ts";
import { renderReport, type Report } from "../../src/render/report.ts";
import { provenance } from "../analysis/runs.ts";
import { figureNamed } from "../figures/registry.ts";
import type { Results } from "../results.ts";
import { tableNamed } from "../tables/registry.ts";
import { gather } from "./gather.ts";
import { parametersOf, writeText } from "./json.ts";

/** @param drawings the figures' SVGs by name */
export function reportOf(
  results: Results,
  tables: readonly string[],
  drawings: Readonly<Record<string, string>>,
): Report {
  const ordered = [...tables.filter((name) => name === "claims"), ...tables.filter((name) => name !== "claims")];
  return {
    title: `B-LoRA reproduced: profile ${results.profile}`,
    lead: [
      `Every table and figure that this profile has runs for. ${provenance(results)}`,
      "The files named below each of them have the same in other formats, numbers.json has the steps behind every printed " +
      "number, and deno task lineage FILE follows a file down to settings, data and code.",
    ],
    tables: ordered.map((name) => tableNamed(name).make(results)),
    figures: Object.entries(drawings).map(([name, svg]) => ({ figure: figureNamed(name).make(results), svg })),
  };
}

export const run: StepRunner = async (context) => {
  const { tables, figures } = parametersOf<{ tables: string[]; figures: string[] }>(context);
  const drawings: Record<string, string> = {};
  for (const name of figures) drawings[name] = new TextDecoder().decode(await context.read(`${name}.svg`));
  const report = reportOf(await gather(context), tables, drawings);
  writeText(context, "report.html", renderReport(report));
};
