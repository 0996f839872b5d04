/** The arithmetic of a training step, counted on its graph. */
import { optimize } from "../src/compile/compile.ts";
import { multiplyAccumulates } from "../src/compile/cost.ts";
import { traceProgram } from "../src/engines/compiled.ts";
import { attachMethod } from "../src/peft/registry.ts";
import { ADAMW_DEFAULTS } from "../src/training/adamw.ts";
import { fineTuneProgram } from "../src/training/model.ts";
import type { Shape } from "./shapes.ts";

/** Multiply-accumulates of all matrix products of one step, forward and backward. */
export function macsOfStep(method: string, { config, batch, length }: Shape, options: unknown = {}): number {
  const adapter = attachMethod(method, config, options);
  const model = { config, adapter, labels: 2, classifierDropout: 0.1, tableByRows: true };
  const program = fineTuneProgram(model, { ...ADAMW_DEFAULTS, maxNorm: 1 }, batch, length);
  return multiplyAccumulates(optimize(traceProgram(program).graph));
}
