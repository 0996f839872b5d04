/** Which engine a profile's tensor code runs on, here. */
import { type EngineName, parseEngineName } from "../../src/engines/open.ts";
import type { Profile } from "../profiles/profile.ts";

export interface Chosen {
  readonly engine: EngineName;
  /** The part of the machine that a step takes for itself: training steps share no GPU. */
  readonly slot?: "gpu";
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
  const better = async () => {
    if (!engineOnGpu || !await machine.hasGpu()) return engine;
    return engineOnGpu !== "tensorflow" || await machine.hasTensorFlow() ? engineOnGpu : engine;
  };
  const chosen = asked ? parseEngineName(asked) : await better(), on = ON_GPU[chosen];
  const onGpu = on === "always" || on === "cuda" && await machine.hasGpu();
  return { engine: chosen, ...(onGpu && { slot: "gpu" }) };
}

const here: Machine = {
  hasGpu: async () => {
    const { cudaDevices, runner } = await import("../../src/engines/tensorflow/programs.ts");
    return (await cudaDevices(runner())).length > 0;
  },
  hasTensorFlow: async () => {
    const { INSTALLED_AT, readInstallation } = await import("../../src/engines/tensorflow/installation.ts");
    return await readInstallation(INSTALLED_AT) !== null;
  },
};
