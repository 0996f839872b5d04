/** Opens the engine `tensorflow`: the backend of TensorFlow's npm package on the binding that was compiled here. */
import { createRequire } from "node:module";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { InputError } from "../../errors.ts";
import { EagerDevice } from "../eager.ts";
import { BINDING, INSTALLED_AT, readInstallation } from "./installation.ts";
import { TFJS_NODE_PACKAGE } from "./package.ts";

const BACKEND = "tensorflow";

/**
 * @param folder of the installation
 * @throws InputError if nothing is installed there, it does not load, or a GPU is gone, with the command that installs it
 */
export async function openTensorFlow(folder = INSTALLED_AT): Promise<EagerDevice> {
  const installation = await readInstallation(folder);
  if (installation === null) throw unavailable("not installed");
  if (!tf.findBackendFactory(BACKEND)) {
    await register(join(folder, BINDING)).catch((error: Error) => {
      throw unavailable(error.message.split("\n")[0] ?? "");
    });
  }
  // TensorFlow goes on without a word on the processor, where the same run takes weeks.
  if (installation.device === "gpu" && !describeTensorFlow().gpu) {
    throw unavailable("it was set up on a GPU, and finds none");
  }
  return new EagerDevice(BACKEND);
}

const unavailable = (why: string) =>
  new InputError(
    `The engine "tensorflow" cannot run here (${why}): type deno task setup:tensorflow, or use --engine native`,
  );

/** TensorFlow's version and whether it runs on a GPU. */
export function describeTensorFlow(): { readonly version: string; readonly gpu: boolean } {
  tf.setBackend(BACKEND);
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as Backend;
  return { version: binding.TF_Version, gpu: isUsingGpuDevice };
}

interface Backend {
  readonly binding: { readonly TF_Version: string };
  readonly isUsingGpuDevice: boolean;
}

/**
 * The package's own entry would look for its binding inside the package, which lies in Deno's cache and is not ours to
 * change; its backend and its kernels are modules of their own.
 */
async function register(binding: string): Promise<void> {
  await restoreUtil();
  // Read by TensorFlow when it is loaded. Without them it greets every process, and takes all of a GPU's memory.
  for (const [name, value] of [["TF_CPP_MIN_LOG_LEVEL", "2"], ["TF_FORCE_GPU_ALLOW_GROWTH", "true"]] as const) {
    if (!Deno.env.has(name)) Deno.env.set(name, value);
  }
  const native = createRequire(import.meta.url)(binding);
  // Named by variables so that only those who use the engine download the package.
  const backend: string = `${TFJS_NODE_PACKAGE}/dist/nodejs_kernel_backend.js`;
  const kernels: string = `${TFJS_NODE_PACKAGE}/dist/register_all_kernels.js`;
  const { NodeJSKernelBackend } = (await import(backend)).default;
  await import(kernels);
  tf.registerBackend(BACKEND, () => new NodeJSKernelBackend(native, "@tensorflow/tfjs-node-gpu"));
}

/** The package was written for a Node.js that still had these. */
async function restoreUtil(): Promise<void> {
  const util = (await import("node:util")).default as unknown as Record<string, (value: unknown) => boolean>;
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}
