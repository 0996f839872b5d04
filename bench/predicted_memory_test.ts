import assert from "node:assert/strict";
import { SHAPES } from "./shapes.ts";
import { sizedFor } from "./train_step.ts";
import { attachMethod } from "../src/peft/registry.ts";
import { ADAMW_DEFAULTS } from "../src/training/adamw.ts";
import { rowsAtOnce } from "../src/training/batches.ts";
import { fineTuneStep, hostTableBytes } from "../src/training/model.ts";
import { programsOf } from "../src/training/step.ts";
import { type Demand, predictMemory } from "../src/engines/memory.ts";

/**
 * Megabytes of VmHWM that `deno task bench --engine native --shape S --method M [--tokens-at-once N]` measured; of blora at xsmall,
 * small and base in steps whose gate logits were set to 6, 1, 0, -1 and -4 in turn.
 */
const MEASURED: readonly (readonly [shape: string, method: string, megabytes: number, tokensAtOnce?: number])[] = [
  ["mini", "full-ft", 285],
  ["mini", "lora", 232],
  ["mini", "blora", 289],
  ["xsmall", "full-ft", 2632],
  ["xsmall", "lora", 1386],
  ["xsmall", "blora", 1843],
  ["small", "lora", 1719],
  ["small", "blora", 2077],
  ["base", "lora", 2702],
  ["base", "blora", 3499],
  ["xsmall", "lora", 1036, 1024],
  ["xsmall", "lora", 849, 512],
  ["xsmall", "blora", 1119, 512],
  ["xsmall", "full-ft", 2599, 512],
];

function predict(shape: string, method: string, batch = SHAPES[shape]!.batch, tokensAtOnce = Infinity): Demand {
  const { config, length } = SHAPES[shape]!, rows = rowsAtOnce(batch, length, tokensAtOnce);
  const model = { config, adapter: attachMethod(method, config), labels: 2, classifierDropout: 0.1, tableByRows: true };
  const step = fineTuneStep(model, { ...ADAMW_DEFAULTS, maxNorm: 1 }, batch, length, rows);
  const programs = programsOf(step, rows < batch).map((one) => sizedFor(one, { config, batch: rows, length }));
  return predictMemory(programs, hostTableBytes(model));
}

for (const [shape, method, measured, tokensAtOnce] of MEASURED) {
  const how = tokensAtOnce ? ` by ${tokensAtOnce} tokens at once` : "";
  Deno.test(`predictMemory() is within 15 % of what ${method} at ${shape}${how} took`, () => {
    const predicted = predict(shape, method, undefined, tokensAtOnce).total / 1e6;
    assert.ok(
      Math.abs(predicted / measured - 1) <= 0.15,
      `predicted ${predicted.toFixed(0)} MB, measured ${measured} MB`,
    );
  });
}

Deno.test("predictMemory() keeps activations of twice the batch twice over, and weights once", () => {
  const one = predict("mini", "lora", 8), two = predict("mini", "lora", 16);
  assert.ok(Math.abs(two.activations / one.activations - 2) < 0.25);
  assert.ok(Math.abs(two.weights / one.weights - 1) < 0.05);
  assert.equal(two.state, one.state);
});
