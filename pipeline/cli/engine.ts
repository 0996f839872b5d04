/** Which engine a profile's tensor code runs on, here. */
import { type EngineName, parseEngineName } from "../../src/engines/open.ts";
import { InputError } from "../../src/errors.ts";
import type { Profile } from "../profiles/profile.ts";

export interface Chosen {
  readonly engine: EngineName;
  /** The part of the machine that a step takes for itself: training steps share no GPU. */
  readonly slot?: "gpu";
  /** The profile's engine for this machine's GPU, if it would be chosen but is not set up. */
  readonly missing?: EngineName;
}

/** What a machine has, as far as a choice depends on it. */
export interface Machine {
  /** Whether there is a CUDA device. */
  hasGpu(): Promise<boolean>;
  /** Whether the engine `tensorflow` was set up. */
  hasTensorFlow(): Promise<boolean>;
}

/** Of engines that always, or where there is a CUDA device, compute on a GPU. */
const ON_GPU: Partial<Record<EngineName, "always" | "cuda">> = {
  webgpu: "always",
  cuda: "always",
  tensorflow: "cuda",
};

/**
 * @param asked the engine that a person asked for; the profile's for this machine if none
 * @throws UsageError for an unknown engine
 */
export async function chooseEngine(
  { engine, engineOnGpu }: Pick<Profile, "engine" | "engineOnGpu">,
  asked: string | undefined,
  machine: Machine = here,
): Promise<Chosen> {
  const named = asked ? parseEngineName(asked) : undefined;
  const better = named === undefined && engineOnGpu !== undefined && await machine.hasGpu() ? engineOnGpu : undefined;
  if (better === "tensorflow" && !await machine.hasTensorFlow()) return { engine, missing: better };
  const chosen = named ?? better ?? engine, on = ON_GPU[chosen];
  const onGpu = on === "always" || on === "cuda" && await machine.hasGpu();
  return { engine: chosen, ...(onGpu && { slot: "gpu" }) };
}

/** @throws InputError if training would not use a GPU that it is meant for */
export function refuseMissing({ engine, missing }: Pick<Chosen, "engine" | "missing">, profile: string): void {
  if (missing === undefined) return;
  throw new InputError(
    `Profile "${profile}" trains on this machine's GPU with the engine "${missing}", which is not set up: ` +
      `type deno task setup:${missing}, or pass --engine ${engine}`,
  );
}

const here: Machine = {
  hasGpu: async () => {
    const { cudaDevices } = await import("../../src/engines/cuda_devices.ts");
    const { runner } = await import("../../src/programs.ts");
    return (await cudaDevices(runner())).length > 0;
  },
  hasTensorFlow: async () => {
    const { INSTALLED_AT, readInstallation } = await import("../../src/engines/tensorflow/installation.ts");
    return await readInstallation(INSTALLED_AT) !== null;
  },
};
