/** Starting values of parameters, each from a random stream of its own name. */
import type { Initial } from "../peft/method.ts";
import { exactLog, Stream } from "../random/stream.ts";
import { float32, type HostTensor, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";

/** @param ranges largest |value| by probe, for parameters that start from a measured range */
export function initialize(
  name: string,
  shape: readonly number[],
  initial: Initial,
  seed: number,
  ranges: { get(probe: string): number | undefined },
): HostTensor {
  const data = new Float32Array(sizeOf(shape)), stream = new Stream(seed, "initial", name);
  switch (initial.kind) {
    case "constant":
      return float32(shape, data.fill(initial.value));
    case "normal":
      return float32(shape, stream.fillNormal(data, initial.std));
    case "uniform":
      return float32(shape, data.map(() => (2 * stream.uniform() - 1) * initial.bound));
    case "prepared":
      return float32(shape, data);
    case "log-step":
      return float32(
        shape,
        data.map((_, i) => {
          const range = ranges.get(initial.probes[i]!);
          if (range === undefined) throw new Error(`The range "${initial.probes[i]}" was never probed`);
          // s2 = (b - a) / 3 with a = -b; a tensor of zeros still needs a step.
          return exactLog(Math.max(range, 1e-6) * 2 / 3);
        }),
      );
  }
}

/**
 * Starting values for named shapes of a backbone or a head: LayerNorm weights 1, biases 0, the rest N(0, std^2).
 * Names decide, as in Hugging Face's `_init_weights`.
 */
export function initializeModel(
  shapes: Readonly<Record<string, readonly number[]>>,
  std: number,
  seed: number,
): HostTensors {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const initial: Initial = name.endsWith("LayerNorm.weight")
        ? { kind: "constant", value: 1 }
        : name.endsWith(".bias")
        ? { kind: "constant", value: 0 }
        : { kind: "normal", std };
      return [name, initialize(name, shape, initial, seed, new Map())];
    }),
  );
}
