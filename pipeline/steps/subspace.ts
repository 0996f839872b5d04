/** Compares the LoRA update of a run with the weights it adapts. */
import type { DebertaConfig } from "../../src/deberta/config.ts";
import { readSafetensors } from "../../src/deberta/safetensors.ts";
import type { StepContext, StepRunner } from "../../src/graph/step.ts";
import { adaptedModules } from "../../src/peft/method.ts";
import { readPeft } from "../../src/peft/peft_file.ts";
import { Stream } from "../../src/random/stream.ts";
import { compareSubspaces } from "../analysis/subspace.ts";
import type { Subspace } from "../results.ts";
import { parametersOf, readJson, writeJson } from "./json.ts";

export const run: StepRunner = async (context) => {
  const { task, seed } = parametersOf<{ task: string; seed: number }>(context);
  const config = await readJson<DebertaConfig>(context, "config.json");
  const { lora_alpha: alpha, r } = await readJson<{ lora_alpha: number; r: number }>(context, "adapter_config.json");
  const [backbone, saved] = [await tensorsOf(context, "backbone"), await tensorsOf(context, "adapter_model")];
  const adapter = readPeft(saved, "adapter_model.safetensors");
  const rows = adaptedModules(config, "all6").flatMap(({ module, layer, matrix }) => {
    const W = backbone[`${module}.weight`],
      A = adapter[`${module}.lora_A.weight`],
      B = adapter[`${module}.lora_B.weight`];
    if (!W || !A || !B) return [];
    const stream = new Stream(seed, "subspace", module);
    return [{ layer, matrix, ...compareSubspaces(W, { A, B, scale: alpha / r }, stream) }];
  });
  writeJson(context, "subspace.json", { task, seed, rows } satisfies Omit<Subspace, "step">);
};

async function tensorsOf(context: StepContext, name: string) {
  const file = `${name}.safetensors`;
  return readSafetensors(await context.read(file), file).tensors;
}
