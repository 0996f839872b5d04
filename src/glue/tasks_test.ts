import assert from "node:assert/strict";
import { UsageError } from "../errors.ts";
import { parseTaskName, TASK_NAMES, TASKS } from "./tasks.ts";

Deno.test("parseTaskName() knows every task and lists them all for an unknown one", () => {
  for (const name of TASK_NAMES) assert.equal(parseTaskName(name), name);
  for (const bad of ["", "CoLA", "wnli", "toString"]) {
    assert.throws(() => parseTaskName(bad), (error) => {
      assert(error instanceof UsageError);
      assert(error.message.startsWith(`Unknown task "${bad}"`) && error.message.includes("cola, sst2, mrpc"));
      return true;
    });
  }
});

Deno.test("TASKS has a count for every development split and a written form for every label", () => {
  for (const task of Object.values(TASKS)) {
    assert.deepEqual(Object.keys(task.official.dev), task.devSplits);
    assert.equal(task.written.length, task.labels.length);
    assert.equal(task.regression, task.labels.length === 0);
    assert.equal(task.pair, task.columns.b !== undefined);
    assert(task.headline.every((metric) => task.metrics.includes(metric)));
  }
});
