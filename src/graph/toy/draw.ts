/** A kind for tests: writes bytes drawn from its seed, after a while. */

import { Stream } from "../../random/stream.ts";
import type { StepRunner } from "../step.ts";

export const run: StepRunner = async ({ step, write, progress }) => {
  const { seed, size, milliseconds } = step.parameters as { seed: number; size: number; milliseconds: number };
  for (let part = 0; part < 4; part++) {
    progress(part / 4, `part ${part + 1} of 4`);
    await new Promise((resolve) => setTimeout(resolve, milliseconds / 4));
  }
  const stream = new Stream(seed);
  write("bytes.bin", Uint8Array.from({ length: size }, () => stream.below(256)));
};
