import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type DebertaConfig, encoderShapes, headShapes } from "../deberta/config.ts";
import { readSafetensors } from "../deberta/safetensors.ts";
import { InputError } from "../errors.ts";
import { float32 } from "../tensor/host_tensor.ts";
import { TARGET_NAMES } from "./method.ts";
import { readPeft, writePeft } from "./peft_file.ts";
import { attachMethod } from "./registry.ts";

const config: DebertaConfig = {
  vocabulary: 61,
  hidden: 32,
  layers: 2,
  heads: 4,
  ffn: 64,
  maxPosition: 64,
  positionBuckets: 16,
  layerNormEps: 1e-7,
  hiddenDropout: 0,
  attentionDropout: 0,
};

Deno.test("writePeft() writes what readPeft() read, byte for byte as PEFT wrote it", async () => {
  const path = new URL("../../testdata/lora-qkv/adapter/adapter_model.safetensors", import.meta.url);
  const bytes = new Uint8Array(await readFile(path)), all = readPeft(readSafetensors(bytes, "a").tensors, "a");
  const part = (wanted: boolean) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith("classifier.") === wanted));
  const files = writePeft(attachMethod("lora", config, { rank: 4, alpha: 8, target: "qkv" }), part(false), part(true));
  assert.deepEqual(files["adapter_model.safetensors"], bytes);
  const written = JSON.parse(new TextDecoder().decode(files["adapter_config.json"]));
  assert.equal(written.r, 4);
  assert.equal(written.lora_alpha, 8);
  assert.deepEqual(written.modules_to_save, ["classifier"]);
});

for (const target of TARGET_NAMES) {
  Deno.test(`writePeft() names ${target} so that PEFT, comparing from the end, adapts no other module`, () => {
    const adapter = attachMethod("lora", config, { target }), files = writePeft(adapter, {}, {});
    const names: string[] = JSON.parse(new TextDecoder().decode(files["adapter_config.json"])).target_modules;
    const modules = Object.entries({ ...encoderShapes(config), ...headShapes(config, 2) })
      .filter(([name, shape]) => name.endsWith(".weight") && shape.length === 2).map(([name]) => name.slice(0, -7));
    const matched = modules.filter((module) => names.some((name) => module.endsWith(`.${name}`)));
    const adapted = Object.keys(adapter.parameters).map((name) => name.replace(/\.lora_[AB]\.weight$/, ""));
    assert.deepEqual(new Set(matched), new Set(adapted));
  });
}

Deno.test("readPeft() refuses a tensor that PEFT would not have written", () => {
  assert.throws(() => readPeft({ "classifier.bias": float32([1]) }, "mine.safetensors"), (error: unknown) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /^Cannot use "mine.safetensors" as an adapter: its tensor "classifier.bias"/);
    return true;
  });
});
