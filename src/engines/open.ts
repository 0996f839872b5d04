/** The engines by name, each loaded only when it is opened. */
import { InputError, unknownName } from "../errors.ts";
import type { CompiledDevice } from "./compiled.ts";
import type { Device } from "./engine.ts";

export const ENGINE_NAMES = ["portable", "native", "tensorflow", "cpu"] as const;
export type EngineName = typeof ENGINE_NAMES[number];

/** @throws UsageError naming the engines there are */
export function parseEngineName(name: string): EngineName {
  if ((ENGINE_NAMES as readonly string[]).includes(name)) return name as EngineName;
  throw unknownName("engine", name, ENGINE_NAMES);
}

/** The version of TensorFlow's Node.js binding that `tensorflow` loads. */
export const TFJS_NODE = "4.22.0";

export interface EngineOptions {
  /** Threads inside one operator; `portable` always uses one. Default 1. */
  readonly threads?: number;
}

/**
 * Opens a device. Devices of one process share nothing but TensorFlow.js, whose current backend each of them sets.
 * @throws InputError if the engine cannot run on this machine, saying what to install
 */
export async function openEngine(name: EngineName, options: EngineOptions = {}): Promise<Device> {
  switch (name) {
    case "portable":
      return await openPortable();
    case "native":
      return await openNative(options.threads ?? 1);
    case "cpu": {
      await import("@tensorflow/tfjs");
      const { EagerDevice } = await import("./eager.ts");
      return new EagerDevice("cpu");
    }
    case "tensorflow":
      return await openTensorFlow();
  }
}

/** ONNX Runtime as WebAssembly on one thread: the same bits on every machine. */
async function openPortable(): Promise<CompiledDevice> {
  // The runtime looks for its files beside the page when there is one; inside a Deno worker there only seems to be one.
  if (!("document" in globalThis)) {
    Object.defineProperty(globalThis, "location", { value: undefined, configurable: true, writable: true });
  }
  const runtime = await import("onnxruntime-web/wasm");
  runtime.env.wasm.numThreads = 1;
  const { CompiledDevice } = await import("./compiled.ts");
  return new CompiledDevice(runtime, {
    graphOptimizationLevel: "disabled",
    enableMemPattern: false,
    logSeverityLevel: 3,
  });
}

/** ONNX Runtime's own kernels for this processor, from its npm package. */
async function openNative(threads: number): Promise<CompiledDevice> {
  // Named by a variable so that only those who use the engine download it.
  const name: string = "onnxruntime-node";
  const runtime = await import(name).catch((error: Error) => {
    throw new InputError(`The engine "native" cannot be loaded (${firstLine(error)}): use --engine portable`);
  });
  const { CompiledDevice } = await import("./compiled.ts");
  return new CompiledDevice(runtime.default ?? runtime, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    graphOptimizationLevel: "disabled",
    enableMemPattern: false,
    logSeverityLevel: 3,
    // Threads that spin while they wait are 3 % faster alone and twice as slow when processes share the cores.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
}

/** TensorFlow through its Node.js binding, which Deno loads once two removed functions of node:util are back. */
async function openTensorFlow(): Promise<Device> {
  const util = (await import("node:util")).default as unknown as Record<string, (value: unknown) => boolean>;
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  const name: string = `npm:@tensorflow/tfjs-node-gpu@${TFJS_NODE}`;
  await import(name).catch((error: Error) => {
    throw new InputError(
      `The engine "tensorflow" is not installed (${firstLine(error)}): use --engine native, or install the shared ` +
        `libraries of TensorFlow for ${name}`,
    );
  });
  const { EagerDevice } = await import("./eager.ts");
  return new EagerDevice("tensorflow");
}

const firstLine = (error: Error): string => error.message.split("\n")[0] ?? "";
