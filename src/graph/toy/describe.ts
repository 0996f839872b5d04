/** A kind for tests: a sentence about its input. */

import type { StepRunner } from "../step.ts";

export const run: StepRunner = async ({ step, read, write }) => {
  const { title } = step.parameters as { title: string };
  const bytes = await read("bytes");
  const ones = bytes.reduce((sum, byte) => sum + byte.toString(2).replaceAll("0", "").length, 0);
  write("text.md", new TextEncoder().encode(`${title}: ${bytes.length} bytes, ${ones} ones\n`));
};
