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

/** The words of the generator, or the pieces of DeBERTaV3's vocabulary: all, or those that the training text uses. */
export type Vocabulary =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "sentencepiece"; readonly kept: "all" | readonly number[] };

type VocabularyParameters = {
  readonly backbone: Omit<DebertaConfig, "vocabulary">;
  /** Whose text decides. */
  readonly tasks?: readonly string[];
  /** Instead: how many rows the embeddings of a checkpoint have. */
  readonly size?: number;
};

/** The tokenizer of a vocabulary; a SentencePiece one reads its model from the input `spm.model`. */
export async function openTokenizer(context: StepContext): Promise<Tokenizer> {
  const vocabulary = await readJson<Vocabulary>(context, "vocabulary.json");
  if (vocabulary.kind === "words") return wordTokenizer(vocabulary.words);
  const whole = await sentencePieceTokenizer(await context.read("spm.model"), "spm.model");
  return vocabulary.kept === "all" ? whole : restrictTokenizer(whole, vocabulary.kept);
}

/** What is known of a vocabulary once it is decided. */
interface Decided {
  readonly vocabulary: Vocabulary;
  /** Rows of the embeddings. */
  readonly size: number;
}

function generatorsWords(): Decided {
  const words = lexicon();
  return { vocabulary: { kind: "words", words }, size: wordTokenizer(words).size };
}

async function usedPieces(context: StepContext, tasks: readonly string[]): Promise<Decided> {
  const tokenizer = await sentencePieceTokenizer(await context.read("spm.model"), "spm.model"),
    used = new Set<number>();
  for (const task of tasks.map(parseTaskName)) {
    const { train } = await readTask(task, await taskFiles(context, task));
    for (const { a, b } of train) {
      for (const id of [...tokenizer.encode(a), ...tokenizer.encode(b ?? "")]) used.add(id);
    }
  }
  const kept = [...restrictTokenizer(tokenizer, used).kept];
  return { vocabulary: { kind: "sentencepiece", kept }, size: kept.length };
}

export const run: StepRunner = async (context) => {
  const { backbone, tasks = [], size: rows } = parametersOf<Json & VocabularyParameters>(context);
  const decide = (): Decided | Promise<Decided> => {
    if (rows !== undefined) return { vocabulary: { kind: "sentencepiece", kept: "all" }, size: rows };
    return "spm.model" in context.step.inputs ? usedPieces(context, tasks) : generatorsWords();
  };
  const { vocabulary, size } = await decide();
  writeJson(context, "vocabulary.json", vocabulary);
  writeJson(context, "config.json", { ...backbone, vocabulary: size } satisfies DebertaConfig);
};
