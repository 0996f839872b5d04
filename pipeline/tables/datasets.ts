/** The tasks, counted from the files that were used. */
import type { Table } from "../../src/render/table.ts";
import { headlineMetric, taskTitle } from "../analysis/names.ts";
import type { Results } from "../results.ts";

export function datasets(results: Results): Table {
  const two = results.datasets.some((row) => row.devMismatched !== null);
  return {
    name: "datasets",
    title: `Tasks of profile ${results.profile}`,
    caption: "Examples counted from the files used. Length: mean number of tokens of a development example, special " +
      "tokens included, before padding. Majority: share of the most frequent class of the development set.",
    notes: [],
    columns: [
      { key: "task", title: "Task" },
      { key: "train", title: "Train" },
      { key: "dev", title: "Dev" },
      { key: "devMismatched", title: "Dev mismatched", printed: two },
      { key: "labels", title: "Labels", align: "right" },
      { key: "majorityShare", title: "Majority", unit: "%", factor: 100, decimals: 1, align: "right" },
      { key: "meanLength", title: "Length", unit: "tokens", decimals: 1 },
      { key: "metric", title: "Headline metric" },
      { key: "source", title: "Source" },
    ],
    sections: [{
      rows: results.datasets.map((row) => ({
        ...row,
        task: taskTitle(row.task),
        labels: row.labels ?? "regression",
        metric: headlineMetric(row.task),
      })),
      sources: (row) => [`tokenize/${results.datasets[row]!.task}`],
    }],
  };
}
