/** The files of a task among a step's inputs. */
import type { TaskName } from "../../src/glue/tasks.ts";
import type { StepContext } from "../../src/graph/step.ts";

/** Reads the inputs whose role is `<task>:<file>`. @returns bytes by file name */
export async function taskFiles(context: StepContext, task: TaskName): Promise<Record<string, Uint8Array>> {
  const prefix = `${task}:`, roles = Object.keys(context.step.inputs).filter((role) => role.startsWith(prefix));
  return Object.fromEntries(
    await Promise.all(roles.map(async (role) => [role.slice(prefix.length), await context.read(role)])),
  );
}
