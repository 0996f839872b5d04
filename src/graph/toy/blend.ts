/** A kind for tests: the exclusive or of its inputs, byte by byte, and their lengths. */

import type { StepRunner } from "../step.ts";

export const run: StepRunner = async ({ step, read, write }) => {
  const inputs = await Promise.all(Object.keys(step.inputs).map(read));
  const out = new Uint8Array(Math.max(...inputs.map((bytes) => bytes.length)));
  for (const bytes of inputs) bytes.forEach((byte, i) => out[i] = (out[i] as number) ^ byte);
  write("bytes.bin", out);
  write("lengths.json", new TextEncoder().encode(JSON.stringify(inputs.map((bytes) => bytes.length))));
};
