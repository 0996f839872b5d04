/** Pre-trains the backbone. */
import type { DebertaConfig } from "../../src/deberta/config.ts";
import { writeSafetensors } from "../../src/deberta/safetensors.ts";
import { parseEngineName } from "../../src/engines/open.ts";
import type { Json, StepRunner } from "../../src/graph/step.ts";
import { pretrain, type PretrainSettings } from "../../src/training/pretrain.ts";
import { openPrograms } from "./devices.ts";
import { parametersOf, readJson, writeJson } from "./json.ts";
import { openTokenizer } from "./vocabulary.ts";

export const run: StepRunner = async (context) => {
  const { backbone, settings } = parametersOf<
    Json & { backbone: Omit<DebertaConfig, "vocabulary">; settings: PretrainSettings }
  >(context);
  const { device } = await openPrograms(parseEngineName(context.step.engine!));
  const { size: vocabulary, special } = await openTokenizer(context);
  const config = { ...backbone, vocabulary }, sequences = await readJson<number[][]>(context, "sequences.json");
  const { weights, losses } = await pretrain(
    device,
    config,
    sequences,
    [special.cls, special.sep],
    settings,
    context.progress,
  );
  context.write("backbone.safetensors", writeSafetensors(weights));
  writeJson(context, "config.json", config);
  writeJson(context, "pretrain.json", { sequences: sequences.length, losses });
};
