/** Where a run starts: values of all tensors of a model, as the registers of a device. */
import type { Adapter } from "../peft/method.ts";
import { float32, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { initialize } from "./initialize.ts";
import { flatten } from "./layout.ts";
import { frozenRegister, frozenShapes, layoutOf, type Model } from "./model.ts";
import { freshState, trackedRegister } from "./step.ts";

/** Whether a method measures activations before it starts. */
export function calibrates({ calibrates, parameters }: Adapter): boolean {
  return calibrates ?? Object.values(parameters).some(({ initial }) => initial.kind === "log-step");
}

/**
 * Values of every tensor of a model before the first step, by name.
 * @param weights backbone and head
 * @param seen what calibration measured; null for a model that is only to be calibrated: what starts from a range or is
 *   prepared has no value yet
 */
export function startingTensors(
  model: Model,
  weights: HostTensors,
  seed: number,
  seen: HostTensors | null,
): HostTensors {
  const { adapter } = model;
  const rangeOf = (probe: string) => seen ? seen[probe]?.data[0] : 1;
  const initial = Object.fromEntries(
    Object.entries(adapter.parameters).map(([name, { shape, initial }]) => {
      return [name, initialize(name, shape, initial, seed, { get: rangeOf })];
    }),
  );
  const zeros = Object.fromEntries(Object.entries(adapter.constants ?? {}).map(([name, s]) => [name, float32(s)]));
  const prepared = seen && adapter.prepare?.({ backbone: weights, seed, seen });
  return { ...weights, ...zeros, ...initial, ...prepared?.backbone, ...prepared?.constants, ...prepared?.parameters };
}

/** Registers for a model's tensors and a fresh optimizer. @throws Error naming a tensor that is missing */
export function startRegisters(model: Model, tensors: HostTensors): HostTensors {
  const registers: HostTensors = freshState(flatten(layoutOf(model), tensors));
  for (const [name, shape] of Object.entries(frozenShapes(model))) {
    const tensor = tensors[name];
    if (tensor?.data.length !== sizeOf(shape)) {
      throw new Error(`The frozen tensor "${name}" should have shape [${shape}]`);
    }
    registers[frozenRegister(name)] = tensor;
  }
  for (const [name, shape] of Object.entries(model.adapter.state ?? {})) {
    registers[trackedRegister(name)] = float32(shape);
  }
  return registers;
}
