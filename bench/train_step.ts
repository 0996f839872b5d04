/** A training step of a method at a shape, ready to run: random weights, a quarter of each row padded, dropout 0.1. */
import { encoderShapes, headShapes } from "../src/deberta/config.ts";
import type { Program } from "../src/engines/engine.ts";
import { type EngineOptions, openEngine, parseEngineName } from "../src/engines/open.ts";
import { InputError } from "../src/errors.ts";
import { attachMethod } from "../src/peft/registry.ts";
import { float32, type HostTensor, type HostTensors, int32 } from "../src/tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "../src/training/adamw.ts";
import { rowsAtOnce } from "../src/training/batches.ts";
import { Accumulator } from "../src/training/in_parts.ts";
import { initializeModel } from "../src/training/initialize.ts";
import { calibrateProgram, fineTuneStep, layoutOf, rowsOf } from "../src/training/model.ts";
import { RowTable } from "../src/training/row_table.ts";
import { calibrates, startingTensors, startRegisters } from "../src/training/start.ts";
import { programsOf, stepFeeds } from "../src/training/step.ts";
import type { Request } from "./request.ts";
import type { Shape } from "./shapes.ts";

export const RATES = {
  weights: { lr: 1e-4, weightDecay: 0.01 },
  biases: { lr: 1e-4, weightDecay: 0 },
  gates: { lr: 1e-2, weightDecay: 0 },
};

export interface StepOptions extends EngineOptions {
  /** Preset of adapted matrices, where the method has a choice. */
  readonly target?: string | null;
  /** Where B-LoRA's gate logits start [6, all but open]. */
  readonly gateLogit?: number | undefined;
  /** Most tokens that go through the network at once [all]. */
  readonly tokensAtOnce?: number | undefined;
}

/** What a request says of how a step is opened. */
export const optionsOf = ({ threads, target, gateLogit, tokensAtOnce }: Request): StepOptions => {
  return { threads, target, gateLogit, tokensAtOnce };
};

/** The tokens of a step: other ones in each, as in training, and a quarter of each row padded. */
export function paddedBatch({ config, batch, length }: Shape, step: number): Record<"ids" | "mask", HostTensor> {
  const token = (i: number) => 1 + ((step * batch * length + i) * 7919) % (config.vocabulary - 1);
  const ids = Array.from({ length: batch * length }, (_, i) => i % length < length * 3 / 4 ? token(i) : 0);
  return { ids: int32([batch, length], ids), mask: float32([batch, length], ids.map((id) => id === 0 ? 0 : 1)) };
}

/** The size that an elastic program has for such tokens. */
export function sizeFor({ elastic, prepare }: Program, shape: Shape): number | undefined {
  return elastic && prepare && elastic.sizeOf(prepare(paddedBatch(shape, 1)));
}

/** A program as it is for such tokens. */
export function sizedFor(program: Program, shape: Shape): Program {
  const size = sizeFor(program, shape);
  return size === undefined ? program : program.elastic!.at(size);
}

export async function openStep(engine: string, method: string, { config, batch, length }: Shape, options: StepOptions) {
  const { target, gateLogit, tokensAtOnce, ...engineOptions } = options,
    atOnce = rowsAtOnce(batch, length, tokensAtOnce);
  const chosen = { ...(target && { target }), ...(gateLogit !== undefined && { gateLogit }) };
  const adapter = attachMethod(method, config, chosen);
  const model = { config, adapter, labels: 2, classifierDropout: 0.1, tableByRows: true };
  const layout = layoutOf(model), optimizer = { ...ADAMW_DEFAULTS, maxNorm: 1 };
  // Numbers as transformers starts with: others could be so large or small that processors take longer over them.
  const weights = initializeModel({ ...encoderShapes(config), ...headShapes(config, 2) }, 0.02, 0);
  const tokens = (step: number) => paddedBatch({ config, batch, length }, step);
  const device = await openEngine(parseEngineName(engine), engineOptions);
  let seen: HostTensors = {};
  if (calibrates(model.adapter)) {
    device.write(startRegisters(model, startingTensors(model, weights, 0, null)));
    const calibration = await device.load(calibrateProgram(model, batch, length));
    seen = await calibration.run(tokens(0));
    await calibration.dispose();
  }
  device.write(startRegisters(model, startingTensors(model, weights, 0, seen)));
  const step = fineTuneStep(model, optimizer, batch, length, atOnce);
  const program = programsOf(step, atOnce < batch)[0]!;
  const loaded = atOnce === batch
    ? await device.load(program)
    : await new Accumulator(device, layout).open(step, batch / atOnce, (_, make) => device.load(make()));
  const rows = rowsOf(model, batch, length);
  const table = rows && new RowTable(weights[rows.name]!, rows.group, optimizer);
  const executable = table?.trains(loaded) ?? loaded;
  const feeds = {
    labels: int32([batch], Array.from({ length: batch }, (_, i) => i % 2)),
    weights: float32([batch], new Array(batch).fill(1 / batch)),
  };
  return {
    device,
    /** The step, or of one in parts what each of them goes through. */
    program,
    layout,
    /** The rows of the word embeddings that train outside the layout, if any do. */
    rows,
    /** @param step counted from 1 */
    run: (step: number) =>
      executable.run({ ...tokens(step), ...feeds, ...stepFeeds(layout, RATES, step, optimizer) }, { seed: 0, step }),
    /** Does what the steps put off: of word embeddings that train, the decay and moments of rows that no batch named. */
    finish: (): void => void table?.values(),
    dispose: () => executable.dispose(),
  };
}

/** Ends the process of a row whose engine cannot run: the reason in one line, without a stack. */
export function giveUp(error: unknown): never {
  if (!(error instanceof InputError)) throw error;
  console.error(error.message);
  Deno.exit(1);
}
