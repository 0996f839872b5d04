/** Full fine-tuning: every parameter of the backbone trains. */
import { z } from "zod";
import { encoderShapes } from "../deberta/config.ts";
import type { Method } from "./method.ts";

export const fullFt: Method<Record<never, never>> = {
  name: "full-ft",
  label: "Full fine-tuning",
  title: "every parameter of the backbone",
  reference: "the backbone's own training",
  options: z.strictObject({}),
  attach: (config) => ({
    trainsBackbone: Object.keys(encoderShapes(config)),
    parameters: {},
    open: () => ({}),
    observe: () => [],
    save: () => ({ config: { peft_type: "FULL" }, tensors: {} }),
    restore: () => ({}),
  }),
};
