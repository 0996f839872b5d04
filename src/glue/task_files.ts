/** The names of a task's files. */
import { type TaskName, TASKS } from "./tasks.ts";

/** The base names of the files that readTask() needs. */
export function officialFiles(name: TaskName): string[] {
  const { files } = TASKS[name];
  return files.kind === "msr" ? [files.train, files.test, files.devIds] : [files.archive];
}

/** The plain files inside a task's archive, or its plain files where it has none: what readTask() takes in its place. */
export function plainFiles(name: TaskName): string[] {
  const { files } = TASKS[name];
  if (files.kind === "msr") return officialFiles(name);
  return ["train.tsv", ...Object.values(files.dev)].map((file) => `${files.folder}/${file}`);
}
