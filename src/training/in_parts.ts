/** Gradient accumulation: a batch goes through the network in parts, so that activations of only one of them live at a time. */
import type { Device, Executable, Program } from "../engines/engine.ts";
import { float32, type HostTensor, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { gradientProgram, ROWS, stateRegisters, type StepDefinition, updateProgram, vectorsOf } from "./step.ts";

/**
 * A training step that takes its batch in parts: the step of the whole batch, but that each part draws noise of its own, and
 * that sums over the batch are taken in another order.
 * @param step of one part: its loss is that part's share in the batch's
 * @param load opens a program of the step on the device
 */
export async function openInParts(
  device: Device,
  step: StepDefinition,
  load: (what: "gradient" | "update", make: () => Program) => Promise<Executable>,
): Promise<Executable> {
  const gradient = await load("gradient", () => gradientProgram(step));
  const update = await load("update", () => updateProgram(step));
  const { g: rowsGradient } = stateRegisters(ROWS);
  const zeros: HostTensors = Object.fromEntries(
    vectorsOf(step.layout, step.rows).map(({ registers: { g }, size }) => [g, float32([size])]),
  );
  return {
    run: async (feeds, noise) => {
      const whole = Object.entries(feeds).filter(([name]) => name in step.inputs);
      const others = Object.fromEntries(Object.entries(feeds).filter(([name]) => !(name in step.inputs)));
      const [[name, { shape }]] = whole as [[string, HostTensor]], count = shape[0]! / step.inputs[name]!.shape[0]!;
      device.write(zeros);
      // A table's rows are no registers: their gradients go out with each part and in with the next.
      let loss = 0, rows: HostTensors = step.rows ? { [rowsGradient]: zeros[rowsGradient]! } : {};
      for (let part = 0; part < count; part++) {
        const own = Object.fromEntries(whole.map(([name, tensor]) => [name, partOf(tensor, part, count)]));
        const { loss: share, ...next } = await gradient.run(
          { ...others, ...own, ...rows },
          noise && { ...noise, part },
        );
        loss += share!.data[0]!;
        rows = next;
      }
      return { loss: float32([], [loss]), ...await update.run({ ...others, ...rows }) };
    },
    dispose: async () => {
      await gradient.dispose();
      await update.dispose();
    },
  };
}

/** One of so many equal parts of a tensor along its first axis. */
function partOf({ dtype, shape: [rows, ...rest], data }: HostTensor, part: number, count: number): HostTensor {
  const shape = [rows! / count, ...rest], size = sizeOf(shape);
  return { dtype, shape, data: data.subarray(part * size, (part + 1) * size) } as HostTensor;
}
