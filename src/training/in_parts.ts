/** Gradient accumulation: a batch goes through the network in parts, so that activations of only one of them live at a time. */
import type { Device, Executable, Program } from "../engines/engine.ts";
import { float32, type HostTensor, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import type { Layout } from "./layout.ts";
import { gradientProgram, ROWS, stateRegisters, type StepDefinition, updateProgram } from "./step.ts";

const ROWS_GRADIENT = stateRegisters(ROWS).g;

/** Opens the steps of one run whose batches come in parts. */
export class Accumulator {
  #zeros: HostTensors | undefined;

  constructor(readonly device: Device, readonly layout: Layout) {}

  /**
   * A training step that takes its batch in parts: the step of the whole batch, but that each part has dropout of its own, and
   * that sums over the batch are taken in another order.
   * @param step of one part: its loss is that part's share in the batch's
   * @param count of parts
   * @param load opens a program of the step on the device
   */
  async open(
    step: StepDefinition,
    count: number,
    load: (what: "gradient" | "update", make: () => Program) => Promise<Executable>,
  ): Promise<Executable> {
    const updating = updateProgram(step);
    // What the update reads is no part of the batch.
    const shared = new Set(Object.keys(updating.inputs));
    const gradient = await load("gradient", () => gradientProgram(step));
    const update = await load("update", () => updating);
    const run: Executable["run"] = async (feeds, noise) => {
      const whole = Object.entries(feeds).filter(([name]) => !shared.has(name));
      const others = Object.fromEntries(Object.entries(feeds).filter(([name]) => shared.has(name)));
      this.device.write(this.#zeros ??= zerosOf(this.layout));
      // A table's rows are no registers: their gradients go out with each part and in with the next.
      let loss = 0, rows: HostTensors = step.rows ? { [ROWS_GRADIENT]: float32([sizeOf(step.rows.shape)]) } : {};
      for (let part = 0; part < count; part++) {
        const own = Object.fromEntries(whole.map(([name, tensor]) => [name, partOf(tensor, part, count)]));
        const { loss: share, ...sums } = await gradient.run(
          { ...others, ...own, ...rows },
          noise && { ...noise, part },
        );
        loss += share!.data[0]!;
        rows = sums;
      }
      return { loss: float32([], [loss]), ...await update.run({ ...others, ...rows }) };
    };
    const dispose = async () => {
      await gradient.dispose();
      await update.dispose();
    };
    return { run, dispose };
  }
}

function zerosOf(layout: Layout): HostTensors {
  return Object.fromEntries(layout.map(({ group, size }) => [stateRegisters(group).g, float32([size])]));
}

/** One of so many equal parts of a tensor along its first axis. */
function partOf({ dtype, shape: [rows, ...rest], data }: HostTensor, part: number, count: number): HostTensor {
  const shape = [rows! / count, ...rest], size = sizeOf(shape);
  return { dtype, shape, data: data.subarray(part * size, (part + 1) * size) } as HostTensor;
}
