/** LoRA on engine `native` with batches of any length: what is timed beyond single steps of fixed size. */
import { type DebertaConfig, encoderShapes, headShapes } from "../src/deberta/config.ts";
import { openEngine } from "../src/engines/open.ts";
import { attachMethod } from "../src/peft/registry.ts";
import type { HostTensors } from "../src/tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "../src/training/adamw.ts";
import { initializeModel } from "../src/training/initialize.ts";
import { fineTuneProgram, layoutOf } from "../src/training/model.ts";
import { startingTensors, startRegisters } from "../src/training/start.ts";
import { stepFeeds } from "../src/training/step.ts";
import { RATES } from "./train_step.ts";

export interface LoraRequest {
  readonly config: DebertaConfig;
  readonly rank: number;
  readonly batch: number;
  readonly threads: number;
}

/** Opens a device and puts a model with random weights on it. */
export async function openLora({ config, rank, batch, threads }: LoraRequest) {
  const model = { config, adapter: attachMethod("lora", config, { rank }), labels: 2, classifierDropout: 0.1 };
  const layout = layoutOf(model), optimizer = { ...ADAMW_DEFAULTS, maxNorm: 1 };
  const weights = initializeModel({ ...encoderShapes(config), ...headShapes(config, 2) }, 0.02, 0);
  const device = await openEngine("native", { threads });
  device.write(startRegisters(model, startingTensors(model, weights, 0, {})));
  return {
    /** Compiles the step for a padded length. @returns what runs it on a batch's feeds, steps counted from 1 */
    async compile(length: number): Promise<(feeds: HostTensors, step: number) => Promise<HostTensors>> {
      const executable = await device.load(fineTuneProgram(model, optimizer, batch, length));
      return (feeds, step) =>
        executable.run({ ...feeds, ...stepFeeds(layout, RATES, step, optimizer) }, { seed: 0, step });
    },
  };
}
