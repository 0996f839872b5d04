/** Gathers the text that a backbone is pre-trained on: generated discourses, or the training text of all tasks. */
import { unlabelled } from "../../src/glue/mini/unlabelled.ts";
import type { StepRunner } from "../../src/graph/step.ts";
import { encodePair } from "../../src/tokenizer/tokenizer.ts";
import { parametersOf, readJson, writeJson } from "./json.ts";
import type { EncodedTask } from "./tokenize.ts";
import { openTokenizer } from "./vocabulary.ts";

export const run: StepRunner = async (context) => {
  const parameters = parametersOf<{ seed: number; count: number; maxLength: number } | { tasks: string[] }>(context);
  if ("tasks" in parameters) {
    const encoded = await Promise.all(
      parameters.tasks.map((task) => readJson<EncodedTask>(context, `${task}:examples.json`)),
    );
    return writeJson(context, "sequences.json", encoded.flatMap(({ train }) => train.map(({ ids }) => ids)));
  }
  const { seed, count, maxLength } = parameters, tokenizer = await openTokenizer(context);
  const sequences = unlabelled({ seed, count }).map(({ a, b }) => encodePair(tokenizer, a, b, maxLength));
  writeJson(context, "sequences.json", sequences);
};
