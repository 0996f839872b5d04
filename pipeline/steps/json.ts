/** JSON as steps exchange it. */
import type { StepContext } from "../../src/graph/step.ts";
import type { Json } from "../../src/graph/step.ts";

export async function readJson<T>(context: StepContext, role: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await context.read(role))) as T;
}

export function writeText(context: StepContext, output: string, text: string): void {
  context.write(output, new TextEncoder().encode(text));
}

/** Keys stay in the order in which the step's code writes them, so equal values have equal bytes. */
export function writeJson(context: StepContext, output: string, value: unknown): void {
  writeText(context, output, JSON.stringify(value));
}

/** A step's parameters, which its own declaration in `paper.ts` wrote. */
export function parametersOf<T extends Json>(context: StepContext): T {
  return context.step.parameters as T;
}
