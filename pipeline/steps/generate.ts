/** Generates one MiniGLUE task, in the files of the real one. */
import { generateTask } from "../../src/glue/mini/generate.ts";
import { parseTaskName } from "../../src/glue/tasks.ts";
import type { StepRunner } from "../../src/graph/step.ts";
import { parametersOf } from "./json.ts";

export const run: StepRunner = (context) => {
  const { task, seed, train, dev } = parametersOf<{ task: string; seed: number; train: number; dev: number }>(context);
  const files = generateTask(parseTaskName(task), { seed, train, dev });
  for (const [name, bytes] of Object.entries(files)) context.write(name, bytes);
  return Promise.resolve();
};
