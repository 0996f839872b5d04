/** Pre-trains the backbone. */
import type { DebertaConfig } from "../../src/deberta/config.ts";
import { writeSafetensors } from "../../src/deberta/safetensors.ts";
import { parseEngineName } from "../../src/engines/open.ts";
import type { Json, StepRunner } from "../../src/graph/step.ts";
import { substitute } from "../../src/glue/mini/substitute.ts";
import type { Stream } from "../../src/random/stream.ts";
import { wordTokenizer } from "../../src/tokenizer/words.ts";
import { checkpointsIn } from "../../src/training/checkpoint.ts";
import { pretrain, type PretrainSettings } from "../../src/training/pretrain.ts";
import { openPrograms } from "./devices.ts";
import { parametersOf, readJson, writeJson } from "./json.ts";
import { openTokenizer, type Vocabulary } from "./vocabulary.ts";

/** For a vocabulary of the generator's words: a word that its grammar could have put in the place of another. */
function substituteOf(vocabulary: Vocabulary) {
  if (vocabulary.kind !== "words") return undefined;
  const { words } = vocabulary, tokenizer = wordTokenizer(words), first = tokenizer.size - words.length;
  return (id: number, stream: Stream) => id < first ? id : tokenizer.encode(substitute(stream, words[id - first]!))[0]!;
}

export const run: StepRunner = async (context) => {
  const { settings } = parametersOf<Json & { settings: PretrainSettings }>(context);
  const { device } = await openPrograms(parseEngineName(context.step.engine!));
  const config = await readJson<DebertaConfig>(context, "config.json"), { special } = await openTokenizer(context);
  const sequences = await readJson<number[][]>(context, "sequences.json");
  const substitute = substituteOf(await readJson<Vocabulary>(context, "vocabulary.json"));
  const { weights, losses } = await pretrain({
    device,
    config,
    sequences,
    special,
    settings,
    ...(substitute && { substitute }),
    checkpoints: checkpointsIn(context.scratch),
    onProgress: context.progress,
  });
  context.write("backbone.safetensors", writeSafetensors(weights));
  writeJson(context, "pretrain.json", { sequences: sequences.length, losses });
};
