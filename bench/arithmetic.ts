/** The arithmetic of a training step, counted on its graph. */
import { optimize } from "../src/compile/compile.ts";
import { multiplyAccumulates } from "../src/compile/cost.ts";
import { takeLongWays } from "../src/compile/passes/shortcuts.ts";
import { traceProgram } from "../src/engines/compiled.ts";
import { attachMethod } from "../src/peft/registry.ts";
import { ADAMW_DEFAULTS } from "../src/training/adamw.ts";
import { fineTuneProgram } from "../src/training/model.ts";
import type { Shape } from "./shapes.ts";
import { sizedFor } from "./train_step.ts";

/**
 * Multiply-accumulates of all matrix products of one step, forward and backward.
 * @param padded whether a quarter of each row is padding, as in `openStep`
 */
export function macsOfStep(method: string, shape: Shape, padded: boolean, options: unknown = {}): number {
  const { config, batch, length } = shape;
  const adapter = attachMethod(method, config, options);
  const model = { config, adapter, labels: 2, classifierDropout: 0.1, tableByRows: true };
  const program = fineTuneProgram(model, { ...ADAMW_DEFAULTS, maxNorm: 1 }, batch, length);
  const sized = padded ? sizedFor(program, shape) : program;
  return multiplyAccumulates(takeLongWays(optimize(traceProgram(sized).graph)));
}
