/** The engines that run a program as one ONNX graph: which build of ONNX Runtime, on which processor, with which options. */
import type { InferenceSession } from "onnxruntime-common";
import denoJson from "../../deno.json" with { type: "json" };
import { everywhere, type Graph } from "../compile/ir.ts";
import { joinLimits } from "../compile/passes/limits.ts";
import { dropClosedRows, keepAllRows } from "../compile/passes/open_rows.ts";
import { sumByColumns } from "../compile/passes/row_products.ts";
import { takeLongWays } from "../compile/passes/shortcuts.ts";
import { InputError } from "../errors.ts";
import type { CompiledDevice, Runtime } from "./compiled.ts";
import type { Program } from "./engine.ts";

/** Package and version whose libraries `native`, `webgpu` and `cuda` load. */
const PACKAGE = denoJson.imports["onnxruntime-node"];

export interface RuntimeOptions {
  /** Threads inside one operator. */
  readonly threads: number;
  /** Where sessions write how long each node took: the beginning of a path, to which the runtime adds the time and `.json`. */
  readonly profile?: string;
}

const common = (profile?: string): InferenceSession.SessionOptions => ({
  graphOptimizationLevel: "disabled",
  enableMemPattern: false,
  // What goes wrong in a run is thrown, too: here it would only be said twice.
  logSeverityLevel: 4,
  ...(profile && { enableProfiling: true, profileFilePrefix: profile }),
});

/** ONNX Runtime as WebAssembly on one thread: the same bits on every machine. */
export async function openPortable(): Promise<CompiledDevice> {
  // The runtime looks for its files beside the page when there is one; inside a Deno worker there only seems to be one.
  if (!("document" in globalThis)) {
    Object.defineProperty(globalThis, "location", { value: undefined, configurable: true, writable: true });
  }
  const runtime = await import("onnxruntime-web/wasm");
  runtime.env.wasm.numThreads = 1;
  // Tensors that keep their places from run to run save WebAssembly's allocator much time; elsewhere they only cost memory.
  return await compiledDevice(
    runtime,
    { ...common(), enableMemPattern: true },
    (graph) => sumByColumns(joinLimits(dropClosedRows(takeLongWays(graph), { keepsOne: true }))),
  );
}

/** ONNX Runtime's own kernels for this processor, from its npm package. @throws InputError if it does not load */
export async function openNative({ threads, profile }: RuntimeOptions): Promise<CompiledDevice> {
  return await compiledDevice(await loadNode("native"), {
    ...common(profile),
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    // Threads that spin while they wait wake up at once, a third of a short step's time; one thread has nobody to wait for, and
    // who runs several processes side by side gives each of them one.
    extra: { session: { intra_op: { allow_spinning: threads > 1 ? "1" : "0" } } },
  }, (graph) => everywhere(graph, (one) => joinLimits(dropClosedRows(one))));
}

/**
 * A GPU through ONNX Runtime. Operators that the provider has no kernel for run on the processor.
 * @throws InputError if there is no such GPU or its libraries are missing, with the command that installs them
 */
export async function openAccelerated(provider: "webgpu" | "cuda", options: RuntimeOptions): Promise<CompiledDevice> {
  const { limitTensors } = await import("./storage_limits.ts"), runtime = await loadNode(provider);
  if (provider === "cuda" && !await isInstalled(CUDA_LIBRARY)) {
    throw unavailable(provider, `${CUDA_LIBRARY} is missing`);
  }
  const device = await compiledDevice(
    runtime,
    { ...common(options.profile), intraOpNumThreads: options.threads, executionProviders: [provider] },
    (graph) => {
      const whole = keepAllRows(takeLongWays(graph));
      return provider === "webgpu" ? limitTensors(whole) : whole;
    },
  );
  // Providers look for their device when the first session is made, and say there whether they found one.
  await device.load(PROBE).then((probe) => probe.dispose(), (error: Error) => {
    throw unavailable(provider, reason(error));
  });
  return device;
}

const unavailable = (provider: keyof typeof REMEDIES, why: string) =>
  new InputError(`The engine "${provider}" cannot run here (${why}): ${REMEDIES[provider]}`);

/** The package comes without it; without it the runtime complains at length before it says what is wrong. */
const CUDA_LIBRARY = "libonnxruntime_providers_cuda.so";

/** Whether a library lies beside those of the package, once one of its modules is loaded. */
async function isInstalled(library: string): Promise<boolean> {
  const { platform, arch } = await import("node:process"), manifest = import.meta.resolve(`${PACKAGE}/package.json`);
  const folder = new URL(`./bin/napi-v6/${platform}/${arch}/`, manifest);
  return await Deno.stat(new URL(library, folder)).then(() => true, () => false);
}

const PROBE: Program = {
  name: "probe",
  inputs: { x: { dtype: "float32", shape: [1] } },
  apply: ({ x }) => ({ y: x! }),
};

const REMEDIES = {
  webgpu: "it needs a GPU with a Vulkan driver, or Mesa 25's for the processor; type apt-get install " +
    "mesa-vulkan-drivers (on Debian 12 with -t bookworm-backports), or use --engine native",
  cuda: "it needs an NVIDIA GPU with CUDA 12 and cuDNN 9; type deno run -A " +
    `${PACKAGE}/script/install.js --onnxruntime-node-install=cuda12, or use --engine native`,
} as const;

async function compiledDevice(
  runtime: Runtime,
  options: InferenceSession.SessionOptions,
  adapt: (graph: Graph) => Graph,
): Promise<CompiledDevice> {
  const { CompiledDevice } = await import("./compiled.ts");
  return new CompiledDevice(runtime, options, adapt);
}

async function loadNode(engine: string): Promise<Runtime> {
  // Named by a variable so that only those who use the engine download it.
  const name: string = "onnxruntime-node";
  const runtime = await import(name).catch((error: Error) => {
    throw new InputError(
      `The engine "${engine}" cannot be loaded (${
        reason(error)
      }): type deno cache ${PACKAGE}, or use --engine portable`,
    );
  });
  return runtime.default ?? runtime;
}

/** The end of a message's first line that says something: native code puts its own source lines before it. */
function reason(error: Error): string {
  const line = error.message.split("\n")[0] ?? "";
  return line.slice(line.lastIndexOf(" was false. ") + 1).replace(/^was false\. /, "").trim().replace(/\.$/, "");
}
