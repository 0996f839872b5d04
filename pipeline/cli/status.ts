/** `deno task status`. */
import { inspect } from "../../src/graph/reproduce.ts";
import { openContext, type PlanningOptions } from "./context.ts";
import { printStates, targetOf } from "./states.ts";

export async function statusCommand(options: PlanningOptions & { readonly json?: boolean }): Promise<0 | 3> {
  const context = await openContext(options);
  return printStates(await inspect(targetOf(context, options)), options.json ?? false) ? 3 : 0;
}
