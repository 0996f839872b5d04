/** Engines that most machines lack, for tests: those that open here. What does not is told once, with the reason. */
import { InputError } from "../errors.ts";
import type { Device } from "./engine.ts";
import { type EngineName, openEngine } from "./open.ts";

async function openIfThere(name: EngineName): Promise<{ name: EngineName; device: Device }[]> {
  try {
    return [{ name, device: await openEngine(name) }];
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.warn(`Tests of the engine "${name}" are left out: ${error.message}`);
    return [];
  }
}

/** Those of `tensorflow`, `webgpu` and `cuda` that this machine can run. */
export const optional = (await Promise.all((["tensorflow", "webgpu", "cuda"] as const).map(openIfThere))).flat();
