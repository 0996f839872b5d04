/** BitFit: every bias of the backbone trains, nothing else. */
import { z } from "zod";
import { encoderShapes } from "../deberta/config.ts";
import type { Method } from "./method.ts";

export const bitfit: Method<Record<never, never>> = {
  name: "bitfit",
  label: "BitFit",
  title: "biases only",
  reference: "Ben Zaken et al. 2022, arXiv 2106.10199",
  options: z.strictObject({}),
  attach: (config) => ({
    trainsBackbone: Object.keys(encoderShapes(config)).filter((name) => name.endsWith(".bias")),
    parameters: {},
    open: () => ({}),
    observe: () => [],
    save: () => ({ config: { peft_type: "BITFIT" }, tensors: {} }),
    restore: () => ({}),
  }),
};
