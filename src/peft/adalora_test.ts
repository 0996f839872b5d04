import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { readSafetensors } from "../deberta/safetensors.ts";
import { assertSameBits, compiled } from "../engines/testing.ts";
import { InputError } from "../errors.ts";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "../training/adamw.ts";
import { registersOf } from "../training/fine_tune.ts";
import { fineTuneProgram, layoutOf } from "../training/model.ts";
import { stepFeeds } from "../training/step.ts";
import { peftName, type Saved } from "./method.ts";
import { readPeft, writePeft } from "./peft_file.ts";
import { attachMethod } from "./registry.ts";
import {
  batch,
  config,
  initialTensors,
  labels,
  load,
  lossAndGradient,
  modelOf,
  smoothPoint,
  trainedTensors,
} from "./testing.ts";

const portable = compiled[0]!.device;

/** Runs the method's own step and control for a whole run, or its first steps. */
async function trained(options: Record<string, unknown>, total: number, steps = total) {
  const model = modelOf("adalora", options), layout = layoutOf(model), { adapter } = model;
  load(model, portable, await initialTensors(model, portable));
  const optimizer = { ...ADAMW_DEFAULTS, maxNorm: 1 }, rate = { lr: 1e-2, weightDecay: 0.01 };
  const [size, length] = batch.ids!.shape as [number, number];
  const program = await portable.load(fineTuneProgram(model, optimizer, size, length));
  const control = adapter.control!(total), registers = registersOf(portable, layout), memory = {};
  for (let step = 1; step <= steps; step++) {
    const feeds = stepFeeds(layout, { weights: rate, biases: rate }, step, optimizer);
    await program.run({ ...batch, ...labels, ...feeds }, { seed: 1, step });
    control(step, registers, memory);
  }
  await program.dispose();
  const all = trainedTensors(model, portable);
  portable.clear();
  const own = Object.fromEntries(Object.keys(adapter.parameters).map((name) => [name, all[name]!]));
  return { adapter, own };
}

Deno.test("adalora ends a run within its budget, with ranks that differ between matrices", async () => {
  const { adapter, own } = await trained({ initRank: 4, targetRank: 2, target: "all6" }, 24);
  const ranks = adapter.observe(own).map(({ rank }) => rank);
  assert.equal(ranks.reduce((a, b) => a + b), 2 * 12);
  assert.ok(new Set(ranks).size > 1, `every matrix has rank ${ranks[0]}`);
  const again = await trained({ initRank: 4, targetRank: 2, target: "all6" }, 24);
  assertSameBits(again.own, own, "twice");
});

Deno.test("adalora settles with the step after which only the budget lives, whatever came before", async () => {
  const options = { initRank: 4, targetRank: 1, target: "qv", tInit: 0, tFinal: 5, deltaT: 5 }, total = 12;
  const ranksAfter = async (steps: number) => {
    const { adapter, own } = await trained(options, total, steps);
    return { settles: adapter.settles!(total), ranks: adapter.observe(own).reduce((sum, { rank }) => sum + rank, 0) };
  };
  const { settles } = await ranksAfter(1);
  assert.equal((await ranksAfter(settles)).ranks, 4);
  assert.ok((await ranksAfter(settles - 1)).ranks > 4);
});

Deno.test("adalora leaves every rank where the target is the initial rank", async () => {
  const { adapter, own } = await trained({ initRank: 2, targetRank: 2 }, 6);
  assert.ok(adapter.observe(own).every(({ rank, maxRank }) => rank === 2 && maxRank === 2));
  assert.equal(adapter.save(own).config.rank_pattern, null);
});

Deno.test("adalora saves what lives, with the steps of its run, and has it back", async () => {
  const { adapter, own } = await trained({ initRank: 4, targetRank: 1, target: "qv" }, 20), saved = adapter.save(own);
  const { tinit, tfinal, deltaT, total_step } = saved.config;
  assert.deepEqual([tinit, tfinal, deltaT, total_step], [2, 12, 1, 20]);
  let kept = 0;
  for (const [key, flags] of Object.entries(saved.config.rank_pattern as Record<string, boolean[]>)) {
    const rank = flags.filter(Boolean).length, module = key.replace(".lora_E", "");
    assert.equal(flags.length, 4);
    const shapeOf = (kind: string) => saved.tensors[peftName(`${module}.${kind}`)]!.shape;
    assert.deepEqual([shapeOf("lora_A"), shapeOf("lora_B"), shapeOf("lora_E")], [[rank, 8], [8, rank], [rank, 1]]);
    kept += rank;
  }
  assert.equal(kept, 4);
  const restored = adapter.restore(saved), E = restored["attention.lora_E"]!;
  assertSameBits({ E }, { E: own["attention.lora_E"]! }, "E");
  assertSameBits(adapter.save(restored).tensors, saved.tensors, "saved again");
});

Deno.test("adalora penalizes A and B by how far they are from orthogonal, and E not at all", async () => {
  const options = { initRank: 3, targetRank: 2 }, orthogonality = 0.5;
  const model = modelOf("adalora", { ...options, orthogonality }, 0), point = await smoothPoint(model);
  const own = Object.fromEntries(Object.keys(model.adapter.parameters).map((name) => [name, point[name]!]));
  const factors = Object.entries(model.adapter.save(own).tensors).filter(([name]) => !name.endsWith("lora_E"));
  const norms = factors.map(([name, tensor]) => distance(name.endsWith("lora_A") ? rowsOf(tensor) : columnsOf(tensor)));
  const expected = orthogonality * norms.reduce((a, b) => a + b) / norms.length;
  const plain = modelOf("adalora", { ...options, orthogonality: 0 }, 0);
  const penalty = lossAndGradient(model, point, false).value - lossAndGradient(plain, point, false).value;
  assert.ok(Math.abs(penalty - expected) <= 1e-5, `${penalty}, expected ${expected}`);
});

const rowsOf = ({ shape: [rows, width], data }: HostTensor): number[][] =>
  Array.from({ length: rows! }, (_, i) => Array.from(data.subarray(i * width!, (i + 1) * width!)));
const columnsOf = ({ shape: [height, columns], data }: HostTensor): number[][] =>
  Array.from({ length: columns! }, (_, j) => Array.from({ length: height! }, (_, i) => data[i * columns! + j]!));

/** The Frobenius norm of V V^T - I. */
function distance(vectors: readonly (readonly number[])[]): number {
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const squares = vectors.flatMap((a, i) => vectors.map((b, j) => (dot(a, b) - (i === j ? 1 : 0)) ** 2));
  return Math.sqrt(squares.reduce((a, b) => a + b));
}

Deno.test("adalora's penalty has a slope where A and B are orthogonal", async () => {
  const model = modelOf("adalora", { initRank: 1, targetRank: 1, target: "qv" }, 0), point = await smoothPoint(model);
  const units = ["lora_A", "lora_B"].map((kind) => {
    const { shape } = point[`attention.${kind}`]!;
    return [`attention.${kind}`, float32(shape, Array.from({ length: 32 }, (_, i) => Number(i % 8 === 0)))] as const;
  });
  const { value, gradients } = lossAndGradient(model, { ...point, ...Object.fromEntries(units) }, true);
  assert.ok(Number.isFinite(value));
  for (const [name, gradient] of Object.entries(gradients)) assert.ok(gradient.every(Number.isFinite), name);
});

const peft = {
  model: { ...config, hidden: 32, heads: 4, ffn: 64 },
  options: { initRank: 6, targetRank: 2, tInit: 3, tFinal: 4, deltaT: 2 },
};
const folder = new URL("../../testdata/adalora/final_adapter/", import.meta.url);

async function savedByPeft() {
  const bytes = new Uint8Array(await readFile(new URL("adapter_model.safetensors", folder)));
  const config = JSON.parse(await readFile(new URL("adapter_config.json", folder), "utf8"));
  return { bytes, config, tensors: readSafetensors(bytes, "adapter").tensors };
}

Deno.test("adalora writes what it restored byte for byte as PEFT wrote it, dropped ranks and all", async () => {
  const { bytes, config, tensors } = await savedByPeft(), adapter = attachMethod("adalora", peft.model, peft.options);
  const head = Object.entries(readPeft(tensors, "adapter")).filter(([name]) => name.startsWith("classifier."));
  adapter.control!(20);
  const restored = adapter.restore({ config, tensors }), files = writePeft(adapter, restored, Object.fromEntries(head));
  assert.deepEqual(files["adapter_model.safetensors"], bytes);
  const { modules_to_save, target_modules, ...written } = JSON.parse(
    new TextDecoder().decode(files["adapter_config.json"]),
  );
  assert.deepEqual(modules_to_save, ["classifier"]);
  assert.deepEqual(
    new Set(target_modules.map((name: string) => name.split(".").at(-1))),
    new Set(config.target_modules),
  );
  for (const [key, value] of Object.entries(written)) assert.deepEqual(value, config[key], key);
  const ranks = adapter.observe(restored).map(({ rank }) => rank);
  assert.deepEqual(ranks, [3, 3, 2, 0, 2, 2]);
});

Deno.test("adalora refuses a saved adapter of another rank, shape or form", async () => {
  const { config, tensors } = await savedByPeft();
  const name = "deberta.encoder.layer.0.attention.self.query_proj", pattern = config.rank_pattern;
  const refused: [Saved, Record<string, unknown>, RegExp][] = [
    [{ config, tensors }, { initRank: 8 }, /^Cannot restore "deberta.*" of initRank "6": expected initRank 8$/],
    [{ config: {}, tensors }, {}, /^Cannot restore the tensor ".*lora_A": its shape is "\[3,32\]", expected \[6,32\]$/],
    [{ config, tensors: {} }, {}, /^Cannot restore the tensor ".*": its shape is "missing", expected \[3,32\]$/],
    [
      { config, tensors: { ...tensors, [peftName(`${name}.lora_B`)]: float32([32, 2]) } },
      {},
      /lora_B": its shape is "\[32,2\]", expected \[32,3\]$/,
    ],
    [
      { config: { rank_pattern: { ...pattern, [`${name}.lora_E`]: 3 } }, tensors },
      {},
      /^Cannot restore the rank_pattern/,
    ],
  ];
  for (const [saved, options, message] of refused) {
    const adapter = attachMethod("adalora", peft.model, { ...peft.options, ...options });
    assert.throws(() => adapter.restore(saved), (error: unknown) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, message);
      return true;
    });
  }
});
