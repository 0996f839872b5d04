/** Decides which tokens a backbone has embeddings for, which completes its configuration. */
import { lexicon } from "../../src/glue/mini/lexicon.ts";
import { readTask } from "../../src/glue/read.ts";
import { parseTaskName } from "../../src/glue/tasks.ts";
import type { DebertaConfig } from "../../src/deberta/config.ts";
import type { Json, StepContext, StepRunner } from "../../src/graph/step.ts";
import { restrictTokenizer } from "../../src/tokenizer/restricted.ts";
import { sentencePieceTokenizer } from "../../src/tokenizer/sentencepiece.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { wordTokenizer } from "../../src/tokenizer/words.ts";
import { parametersOf, readJson, writeJson } from "./json.ts";
import { taskFiles } from "./task_files.ts";

/** The words of the generator, or the pieces of DeBERTaV3's vocabulary that the training text uses. */
export type Vocabulary =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "sentencepiece"; readonly kept: readonly number[] };

/** The tokenizer of a vocabulary; a SentencePiece one reads its model from the input `spm.model`. */
export async function openTokenizer(context: StepContext): Promise<Tokenizer> {
  const vocabulary = await readJson<Vocabulary>(context, "vocabulary.json");
  if (vocabulary.kind === "words") return wordTokenizer(vocabulary.words);
  return restrictTokenizer(await sentencePieceTokenizer(await context.read("spm.model"), "spm.model"), vocabulary.kept);
}

export const run: StepRunner = async (context) => {
  const { tasks, backbone } = parametersOf<Json & { tasks: string[]; backbone: Omit<DebertaConfig, "vocabulary"> }>(
    context,
  );
  let vocabulary: Vocabulary = { kind: "words", words: lexicon() };
  if ("spm.model" in context.step.inputs) {
    const tokenizer = await sentencePieceTokenizer(await context.read("spm.model"), "spm.model"),
      used = new Set<number>();
    for (const task of tasks.map(parseTaskName)) {
      const { train } = await readTask(task, await taskFiles(context, task));
      for (const { a, b } of train) {
        for (const id of [...tokenizer.encode(a), ...tokenizer.encode(b ?? "")]) used.add(id);
      }
    }
    vocabulary = { kind: "sentencepiece", kept: [...restrictTokenizer(tokenizer, used).kept] };
  }
  const { size } = vocabulary.kind === "words" ? wordTokenizer(vocabulary.words) : { size: vocabulary.kept.length };
  writeJson(context, "vocabulary.json", vocabulary);
  writeJson(context, "config.json", { ...backbone, vocabulary: size } satisfies DebertaConfig);
};
