/** B-LoRA's settings per task, as run. */
import type { Cell, Table } from "../../src/render/table.ts";
import { taskTitle } from "../analysis/names.ts";
import { provenance, requiredRuns, runsOf, sourcesOf, tasksOf } from "../analysis/runs.ts";
import type { Results } from "../results.ts";

export function hyperparameters(results: Results): Table {
  const tasks = tasksOf(results),
    settings = new Set(
      requiredRuns(results, "blora").flatMap((run) => Object.keys({ ...run.settings, ...run.options })),
    );
  const valueOf = (setting: string, task: string): Cell => {
    const values = runsOf(results, "blora", task).map((run) => run.settings[setting] ?? run.options[setting]).filter((
      v,
    ) => v !== undefined);
    const distinct = [...new Set(values)];
    return distinct.length > 1 ? distinct.join(" / ") : distinct[0] ?? null;
  };
  return {
    name: "hyperparameters",
    title: `Settings of B-LoRA, profile ${results.profile}`,
    caption: "As run. The paper's own settings per task could not be obtained; these were chosen for this profile " +
      `[choice]. ${provenance(results)}`,
    notes: [],
    columns: [
      { key: "setting", title: "Setting" },
      ...tasks.map((task) => ({ key: task, title: taskTitle(task), align: "right" as const })),
    ],
    sections: [{
      rows: [...settings].map((setting) => ({
        setting,
        ...Object.fromEntries(tasks.map((task) => [task, valueOf(setting, task)])),
      })),
      sources: (_, column) => sourcesOf(results, "blora", column),
    }],
  };
}
