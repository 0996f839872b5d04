/**
 * Adapters as Hugging Face PEFT keeps them: `adapter_config.json` beside `adapter_model.safetensors`, which holds the
 * method's tensors and the head they were trained with. A head kept apart from its adapter is a common way to lose it.
 */
import { writeSafetensors } from "../deberta/safetensors.ts";
import { InputError } from "../errors.ts";
import type { HostTensors } from "../tensor/host_tensor.ts";
import { type Adapter, fromPeft, peftName, toPeft } from "./method.ts";

/** The files of a trained adapter, by name. */
export interface PeftFiles {
  readonly "adapter_config.json": Uint8Array;
  readonly "adapter_model.safetensors": Uint8Array;
}

/**
 * Writes a trained adapter.
 *
 * @param parameters the method's tensors by their own names
 * @param others what else trained, the head above all, by Hugging Face names
 */
export function writePeft(adapter: Adapter, parameters: HostTensors, others: HostTensors): PeftFiles {
  const { config, tensors } = adapter.save(parameters);
  const modules = [...new Set(Object.keys(others).map((name) => name.slice(0, name.indexOf("."))))];
  const json = JSON.stringify({ ...config, modules_to_save: modules.toSorted() }, null, 2);
  return {
    "adapter_config.json": new TextEncoder().encode(`${json}\n`),
    "adapter_model.safetensors": writeSafetensors({ ...tensors, ...toPeft(others) }, { format: "pt" }),
  };
}

/**
 * The tensors of an `adapter_model.safetensors` by their own names, those of the head among them.
 *
 * @param saved the file's tensors
 * @param file what to call the file in an error
 * @throws InputError naming a tensor that PEFT would not have written
 */
export function readPeft(saved: HostTensors, file: string): HostTensors {
  const prefix = peftName(""), other = Object.keys(saved).find((name) => !name.startsWith(prefix));
  if (other === undefined) return fromPeft(saved);
  throw new InputError(`Cannot use "${file}" as an adapter: its tensor "${other}" should be named "${prefix}..."`);
}
