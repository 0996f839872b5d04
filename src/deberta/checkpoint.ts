/** The encoder in a published checkpoint of DeBERTaV3, which holds more: heads of pre-training, positions that nothing reads. */
import { InputError } from "../errors.ts";
import type { HostTensors } from "../tensor/host_tensor.ts";
import { type DebertaConfig, encoderShapes } from "./config.ts";

/**
 * Picks the encoder's tensors, by their Hugging Face names.
 * @param file what to call the checkpoint in an error
 * @throws InputError naming the first tensor that is missing or has another shape than the encoder's
 */
export function encoderOf(tensors: HostTensors, config: DebertaConfig, file: string): HostTensors {
  return Object.fromEntries(
    Object.entries(encoderShapes(config)).map(([name, shape]) => {
      const tensor = Object.hasOwn(tensors, name) ? tensors[name] : undefined;
      if (tensor?.dtype !== "float32" || String(tensor.shape) !== String(shape)) {
        const found = tensor ? `${tensor.dtype} [${tensor.shape}]` : "no such tensor";
        throw new InputError(
          `Cannot use "${file}" as the backbone: "${name}" should be float32 [${shape}], and there is ${found}`,
        );
      }
      return [name, tensor];
    }),
  );
}
