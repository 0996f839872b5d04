/** Every method with its options and what it trains, as run. */
import type { Row, Table } from "../../src/render/table.ts";
import { provenance, runsOf } from "../analysis/runs.ts";
import { everySize, sectionsBySize, type Sized } from "../analysis/sizes.ts";
import type { Results, Run } from "../results.ts";

export function baselines(results: Results): Table {
  return {
    name: "baselines",
    title: `Methods and their options, profile ${results.profile}`,
    caption:
      "Options and learning rates as run; parameters in thousands, without and with the task head (the largest of all " +
      `tasks). ${provenance(results)}`,
    notes: [],
    columns: [
      { key: "method", title: "Method" },
      { key: "trains", title: "What it is" },
      { key: "options", title: "Options" },
      { key: "learningRate", title: "Learning rate", align: "right" },
      { key: "parameters", title: "Parameters", unit: "k", factor: 1e-3, decimals: 1, align: "right" },
      { key: "parametersWithHead", title: "With head", unit: "k", factor: 1e-3, decimals: 1, align: "right" },
      { key: "reference", title: "Source" },
    ],
    sections: sectionsBySize(everySize(results).map((of) => ({ ...of, row: methodRow(of) }))),
  };
}

function methodRow({ method, title, results }: Sized): Row {
  const runs = runsOf(results, method), facts = results.methods.find(({ name }) => name === method);
  const most = (read: (run: Run) => number) => Math.max(...runs.map(read));
  return {
    method: title,
    trains: facts?.title ?? null,
    options: optionsInWords(runs) || "none",
    learningRate: shared(runs, (run) => run.settings.learningRate!),
    parameters: most((run) => run.parameters.method),
    parametersWithHead: most((run) => run.parameters.method + run.parameters.head),
    reference: facts?.reference ?? null,
  };
}

function optionsInWords(runs: readonly Run[]): string {
  const names = [...new Set(runs.flatMap(({ options }) => Object.keys(options)))];
  return names.map((name) => `${name} ${shared(runs, ({ options }) => options[name]!)}`).join(", ");
}

/** What the runs have in common. */
function shared(runs: readonly Run[], read: (run: Run) => string | number | boolean): string {
  const values = new Set(runs.map(read)), [value] = values;
  return values.size === 1 ? String(value) : "by task";
}
