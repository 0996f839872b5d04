/** The engines by name, each loaded only when it is opened. */
import { unknownName } from "../errors.ts";
import type { Device } from "./engine.ts";

export const ENGINE_NAMES = ["portable", "native", "webgpu", "cuda", "tensorflow", "cpu"] as const;
export type EngineName = typeof ENGINE_NAMES[number];

export function isEngineName(name: string): name is EngineName {
  return (ENGINE_NAMES as readonly string[]).includes(name);
}

/** @throws UsageError naming the engines there are */
export function parseEngineName(name: string): EngineName {
  if (isEngineName(name)) return name;
  throw unknownName("engine", name, ENGINE_NAMES);
}

export interface EngineOptions {
  /** Threads inside one operator; `portable` always uses one, `tensorflow` and `cpu` what they like. Default 1. */
  readonly threads?: number;
  /** Beginning of the paths under which engines on ONNX Runtime's Node build write how long each node took. */
  readonly profile?: string;
}

/**
 * Opens a device. Devices of one process share nothing but TensorFlow.js, whose current backend each of them sets.
 * @throws InputError if the engine cannot run on this machine, saying what to install
 */
export async function openEngine(name: EngineName, { threads = 1, ...rest }: EngineOptions = {}): Promise<Device> {
  const options = { threads, ...rest };
  switch (name) {
    case "portable":
      return await (await import("./onnx_runtime.ts")).openPortable();
    case "native":
      return await (await import("./onnx_runtime.ts")).openNative(options);
    case "webgpu":
    case "cuda":
      return await (await import("./onnx_runtime.ts")).openAccelerated(name, options);
    case "tensorflow":
      return await (await import("./tensorflow/open.ts")).openTensorFlow();
    case "cpu": {
      await import("@tensorflow/tfjs");
      const { EagerDevice } = await import("./eager.ts");
      return new EagerDevice("cpu");
    }
  }
}
