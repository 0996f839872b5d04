/** The steps of a profile that starts from a published checkpoint, on files of their kind that are small enough for a test. */
import assert from "node:assert/strict";
import { encoderShapes } from "../src/deberta/config.ts";
import { writeSafetensors } from "../src/deberta/safetensors.ts";
import { zip } from "../src/glue/testing.ts";
import { digestFile } from "../src/graph/fingerprint.ts";
import type { Input } from "../src/graph/step.ts";
import { reproduce } from "../src/graph/reproduce.ts";
import { complaints, TemporaryFolder } from "../src/graph/toy/rig.ts";
import type { Event } from "../src/graph/events.ts";
import { Stream } from "../src/random/stream.ts";
import { float32 } from "../src/tensor/host_tensor.ts";
import { smallModel } from "../src/tokenizer/small_model.ts";
import { initializeModel } from "../src/training/initialize.ts";
import type { RunRecord } from "../src/training/record.ts";
import { contextOf } from "./cli/context.ts";
import { MODULES } from "./kinds.ts";
import { downloadsOf, paper, resultFiles } from "./paper.ts";
import type { Profile } from "./profiles/profile.ts";
import { tiny } from "./testing_profile.ts";
import { Store } from "../src/graph/store.ts";

const WORDS = ["▁the", "▁cat", "▁dog", "▁sees", "▁runs", "▁and"], SIZE = 300;
const profile: Profile = {
  ...tiny,
  name: "tiny-checkpoint",
  comparePublished: true,
  data: { kind: "glue" },
  tasks: ["cola"],
  weights: { kind: "checkpoint", source: "deberta-v3-xsmall/model.safetensors", vocabulary: SIZE, std: 0.02 },
  finetune: { ...tiny.finetune, tokensAtOnce: 128 },
  recipes: { cola: { learningRate: 5e-3, warmupSteps: 2, maxLength: 16 } },
  methods: { lora: { learningRate: "recipe", options: { rank: 2 } }, blora: tiny.methods.blora! },
  epochs: { cola: 2 },
};

function sentences(count: number, split: string): Uint8Array {
  const rows = Array.from({ length: count }, (_, i) => {
    const stream = new Stream("checkpoint", split, i), words = WORDS.map((word) => word.slice(1));
    const text = Array.from({ length: 3 + stream.below(4) }, () => words[stream.below(words.length)]).join(" ");
    return `gj04\t${i % 2}\t\t${text}\n`;
  });
  return new TextEncoder().encode(rows.join(""));
}

/** The files of the profile's downloads, by the names that they have in data/sources.json. */
async function files(checkpoint = encoderShapes({ ...profile.backbone, vocabulary: SIZE })) {
  const encoder = initializeModel(checkpoint, 0.2, 5), heads = { "mask_predictions.dense.bias": float32([8]) };
  return {
    "CoLA.zip": await zip({ "CoLA/train.tsv": sentences(40, "train"), "CoLA/dev.tsv": sentences(16, "dev") }),
    "deberta-v3-base/spm.model": smallModel(Object.fromEntries(WORDS.map((word, i) => [word, -i]))),
    "deberta-v3-xsmall/model.safetensors": writeSafetensors({ ...encoder, ...heads }),
  } as Record<string, Uint8Array>;
}

async function run(folder: string, contents: Record<string, Uint8Array>) {
  const inputs: Record<string, Input> = {};
  for (const [name, bytes] of Object.entries(contents)) {
    const file = `${folder}/${name.replaceAll("/", "-")}`;
    await Deno.writeFile(file, bytes);
    inputs[name] = { file, digest: await digestFile(file) };
  }
  const { environment, engine } = await contextOf(profile, {});
  const steps = paper(profile, engine, (name) => inputs[name]!), events: Event[] = [];
  const outcome = await reproduce({
    steps,
    environment,
    modules: MODULES,
    cache: `${folder}/cache`,
    scope: profile.name,
    jobs: 2,
    emit: (event) => events.push(event),
    results: { folder: `${folder}/results`, files: resultFiles(steps), complete: true },
  });
  return { outcome, events };
}

Deno.test("A profile on a checkpoint names it among its downloads", () => {
  assert.deepEqual(downloadsOf(profile), [
    "CoLA.zip",
    "deberta-v3-base/spm.model",
    "deberta-v3-xsmall/model.safetensors",
  ]);
});

Deno.test("A profile on a checkpoint trains from it, without pre-training, and makes its results", async () => {
  await using folder = new TemporaryFolder();
  const { outcome, events } = await run(folder.path, await files());
  assert.deepEqual([outcome.status, complaints(events)], ["ok", []]);
  assert.ok(!outcome.steps.has("pretrain") && !outcome.steps.has("corpus"));
  const { outputs } = outcome.steps.get("finetune/lora/cola/seed-0")!, store = new Store(`${folder.path}/cache`);
  const { settings } = JSON.parse(new TextDecoder().decode(await store.read(outputs["run.json"]!.digest))) as RunRecord;
  assert.deepEqual([settings.learningRate, settings.warmup, settings.tokensAtOnce], [5e-3, 2, 128]);
  assert.match(await Deno.readTextFile(`${folder.path}/results/tables/glue.md`), /Published, DeBERTaV3-base/);
});

Deno.test("A checkpoint of another shape stops the run with a sentence", async () => {
  await using folder = new TemporaryFolder();
  const other = encoderShapes({ ...profile.backbone, vocabulary: SIZE + 1 });
  const { outcome, events } = await run(folder.path, await files(other));
  assert.equal(outcome.status, "failed");
  assert.match(
    complaints(events)[0]!,
    /Cannot use "[^"]*deberta-v3-xsmall-model.safetensors" as the backbone: ".*word_embeddings.weight" should be float32 \[300,8\], and there is float32 \[301,8\]$/,
  );
});
