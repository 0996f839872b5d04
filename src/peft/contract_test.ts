import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { InputError, UsageError } from "../errors.ts";
import type { Device } from "../engines/engine.ts";
import { assertAllClose, assertClose, assertSameBits, compiled, cpu, normal, runOnce } from "../engines/testing.ts";
import { float32, type HostTensor, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { evaluateProgram, frozenShapes, layoutOf, type Model, openPass, trainablesOf } from "../training/model.ts";
import { adaptedModules, type Target } from "./method.ts";
import { attachMethod, findMethod, METHOD_NAMES, parseOptions } from "./registry.ts";
import {
  batch,
  config,
  frozenTensors,
  initialTensors,
  load,
  lossAndGradient,
  modelOf,
  smoothPoint,
  train,
  trainedOf,
  trainedTensors,
  weights,
} from "./testing.ts";

/** Options to test a method with besides its defaults. */
const VARIANTS: Readonly<Record<string, readonly Record<string, unknown>[]>> = {
  houlsby: [{ bottleneck: 3 }],
  pfeiffer: [{ bottleneck: 1 }],
  lora: [{ rank: 2, alpha: 4, target: "all6" }],
  dylora: [{ rank: 1, alpha: 2, target: "qv" }, { rank: 3, evaluateRank: 2, target: "all6" }],
  adalora: [
    { initRank: 3, targetRank: 1, target: "all6", orthogonality: 0.5 },
    { initRank: 1, targetRank: 1, target: "qv", orthogonality: 0 },
  ],
  blora: [{ rank: 2, target: "all6", weighting: "bops", lambdaBits: 0.02, lambdaRank: 0.05 }, {
    rank: 1,
    target: "qv",
  }],
  "blora-ra": [{ rank: 3, lambdaRank: 0.1 }],
  "prompt-tuning": [{ tokens: 1, start: "random" }],
  "prefix-tuning": [{ tokens: 1 }],
  "lora-xs": [{ rank: 2, alpha: 4, target: "all6" }, { rank: 1, alpha: 2, target: "qv" }],
  "vb-lora": [{ rank: 2, target: "all6", vectors: 5, vectorLength: 2, topk: 3 }, {
    rank: 1,
    target: "qv",
    vectors: 2,
    vectorLength: 8,
  }],
  mora: [{ rank: 2, target: "all6" }, { rank: 1, target: "qv" }],
  intrinsic: [{ dimension: 100, target: "all6" }, { dimension: 1, target: "qv" }],
  qlora: [{ rank: 2, alpha: 4, target: "all6" }],
  roselora: [{ rank: 2, alpha: 4, target: "all6", sparsity: 0.5 }],
  "q-bara": [{ rank: 1, alpha: 2, target: "all6", groupSize: 4, expand: 2, bits: 3 }],
  "qa-hira": [{ target: "all6", groupSize: 4, expand: 2, scale: 2 }],
  "lq-lora": [{ rank: 2, alpha: 4, target: "all6", budget: 3.5, turns: 2 }],
  apiq: [{ rank: 2, alpha: 4, target: "all6", bits: 5 }],
  hydralora: [{ rank: 2, alpha: 4, target: "all6", heads: 2 }, { rank: 1, alpha: 2, target: "qv", heads: 1 }],
};
/** Methods whose update is small but not zero before training. */
const STARTS_ELSEWHERE = new Set(["blora", "blora-q", "blora-ra", "lq-lora", "apiq", "lora-xs", "vb-lora"]);
/** Methods whose virtual tokens every query sees from the start. */
const STARTS_APART = new Set(["prompt-tuning", "prefix-tuning"]);

const portable = compiled[0]!.device;

/** The method's own tensors out of all. */
const ownOf = ({ adapter }: Model, tensors: HostTensors): HostTensors =>
  Object.fromEntries(Object.keys(adapter.parameters).map((key) => [key, tensors[key]!]));

const logits = async (model: Model, tensors: HostTensors): Promise<HostTensor> => {
  load(model, cpu, tensors);
  const [size, length] = batch.ids!.shape as [number, number];
  const made = await runOnce(cpu, evaluateProgram(model, size, length), batch);
  cpu.clear();
  return made.logits!;
};

for (const name of METHOD_NAMES) {
  for (const options of [{}, ...VARIANTS[name] ?? []]) {
    const method = Object.keys(options).length > 0 ? `${name} ${JSON.stringify(options)}` : name;

    Deno.test(`${method}: projects alike in whatever order modules are named`, async () => {
      const model = modelOf(name, options), point = await smoothPoint(model), width = config.hidden;
      const self = "deberta.encoder.layer.1.attention.self", x = normal([3, width], 1, "x");
      const [query, key, value] = ["query", "key", "value"].map((part) => `${self}.${part}_proj`) as [
        string,
        string,
        string,
      ];
      tf.setBackend("cpu");
      tf.tidy(() => {
        const tensors = Object.fromEntries(
          Object.entries(point).map(([k, t]) => [k, tf.tensor(t.data, [...t.shape], t.dtype)]),
        );
        const none = () => assert.fail("an evaluation draws no noise");
        const noise = { dropout: none, uniform: none }, tensor = (key: string) => tensors[key]!;
        const project = (...modules: string[]) => {
          const { pass } = openPass(model, { mode: "evaluate", noise, tensor });
          return pass.linear(modules, tf.tensor(x.data, [3, width])).map((y) => y.dataSync());
        };
        const [q, k, v] = project(query, key, value);
        assert.deepEqual(project(value, query, key), [v, q, k]);
      });
    });

    const where = STARTS_APART.has(name) ? "apart from" : STARTS_ELSEWHERE.has(name) ? "near" : "as";
    Deno.test(`${method}: starts ${where} the backbone`, async () => {
      const model = modelOf(name, options), plain = modelOf("bitfit", {}), start = await initialTensors(model, cpu);
      const made = await logits(model, start);
      // A method that quantizes the backbone starts as the quantized one, or near the original if it makes up for the loss.
      const kept = Object.fromEntries(Object.keys(weights).map((key) => [key, start[key]!]));
      const backbone = await logits(plain, STARTS_ELSEWHERE.has(name) ? weights : kept);
      if (STARTS_APART.has(name)) {
        assert.ok(made.data.every(Number.isFinite));
        return assert.ok(made.data.some((x, i) => Math.abs(x - backbone.data[i]!) > 1e-3));
      }
      const tolerance = STARTS_ELSEWHERE.has(name) ? 0.3 : 1e-6;
      assertAllClose({ logits: made }, { logits: backbone }, method, { abs: tolerance, rel: tolerance });
    });

    Deno.test(`${method}: gradients are those of finite differences`, async () => {
      const model = modelOf(name, options, 0), point = await smoothPoint(model), step = 1e-2;
      const { gradients } = lossAndGradient(model, point, true);
      Object.entries(gradients).forEach(([key, gradient]) => {
        const { shape, data } = point[key]!, raw = normal(shape, 1, key, "direction").data as Float32Array;
        const length = Math.sqrt(raw.reduce((sum, x) => sum + x * x, 0)), direction = raw.map((x) => x / length);
        const moved = (by: number) => float32(shape, Float32Array.from(data, (x, j) => x + by * direction[j]!));
        const at = (by: number) => lossAndGradient(model, { ...point, [key]: moved(by) }, false).value;
        const difference = (at(step) - at(-step)) / (2 * step);
        const slope = direction.reduce((sum, d, j) => sum + d * gradient[j]!, 0);
        const close = Math.abs(slope - difference) <= 5e-4 + 2e-2 * Math.abs(difference);
        assert.ok(close, `${key}: gradient ${slope}, finite difference ${difference}`);
      });
    });

    Deno.test(`${method}: five steps change every declared parameter and nothing else, alike on every engine`, async () => {
      const model = modelOf(name, options), start = await initialTensors(model, portable);
      const run = async (device: Device, steps: number) => {
        load(model, device, start);
        const losses = float32([steps], await train(model, device, steps));
        const made = { losses, trained: trainedTensors(model, device), frozen: frozenTensors(model, device) };
        device.clear();
        return made;
      };
      const { losses, trained, frozen } = await run(portable, 5), again = await run(portable, 5);
      assertSameBits({ ...again.trained, losses: again.losses }, { ...trained, losses }, "twice");
      const before = Object.keys(frozenShapes(model)).map((key) => [key, start[key]!]);
      assertSameBits(frozen, Object.fromEntries(before), "frozen");
      for (const [key, { data }] of Object.entries(trained)) {
        assert.ok(data.some((x, i) => x !== start[key]!.data[i]), `${key} never changes`);
      }
      for (const { name: engine, device } of [{ name: "cpu", device: cpu }, ...compiled.slice(1)]) {
        const made = await run(device, 2);
        assertClose(made.losses, float32([2], losses.data.subarray(0, 2)), engine, { abs: 1e-3, rel: 1e-3 });
      }
    });

    Deno.test(`${method}: training leaves no tensor behind`, async () => {
      const model = modelOf(name, options), start = await initialTensors(model, cpu);
      load(model, cpu, start);
      const before = tf.memory().numTensors;
      await train(model, cpu, 2);
      assert.equal(tf.memory().numTensors, before);
      cpu.clear();
    });

    Deno.test(`${method}: counts what it trains, each name once`, async () => {
      const model = modelOf(name, options), trainables = trainablesOf(model), names = trainables.map((t) => t.name);
      assert.equal(new Set(names).size, names.length);
      const tensors = await initialTensors(model, cpu);
      const count = layoutOf(model).reduce((sum, { size }) => sum + size, 0);
      assert.equal(count, Object.values(trainedOf(model, tensors)).reduce((sum, { data }) => sum + data.length, 0));
      const frozen = Object.keys(frozenShapes(model)), { parameters, constants = {} } = model.adapter;
      const all = [...Object.keys(weights), ...Object.keys(parameters), ...Object.keys(constants)];
      assert.deepEqual([...frozen, ...names].sort(), all.sort());
      assert.deepEqual(Object.keys(tensors).sort(), all);
    });

    Deno.test(`${method}: trained, saved and loaded again, it computes the same bits`, async () => {
      const model = modelOf(name, options), { adapter } = model, start = await initialTensors(model, portable);
      load(model, portable, start);
      await train(model, portable, 3);
      const trained = { ...start, ...trainedTensors(model, portable) };
      portable.clear();
      const saved = adapter.save(ownOf(model, trained));
      assert.equal(typeof saved.config.peft_type, "string");
      assert.ok(Object.keys(saved.tensors).every((key) => key.startsWith("base_model.model.")));
      for (const { shape, data } of Object.values(saved.tensors)) assert.equal(data.length, sizeOf(shape));
      const loaded = adapter.restore({ ...saved, config: JSON.parse(JSON.stringify(saved.config)) });
      const [before, after] = [await logits(model, trained), await logits(model, { ...trained, ...loaded })];
      assertSameBits({ logits: after }, { logits: before }, method);
    });

    if (modelOf(name, options).adapter.merge) {
      Deno.test(`${method}: merged into the backbone, it computes the same`, async () => {
        const model = modelOf(name, options), plain = modelOf("bitfit", {}), point = await smoothPoint(model);
        const merged = { ...point, ...model.adapter.merge!(point, point) };
        assertAllClose({ logits: await logits(plain, merged) }, { logits: await logits(model, point) }, method, {
          abs: 1e-4,
          rel: 1e-4,
        });
      });
    }

    Deno.test(`${method}: observes one site per adapted matrix, at full rank, and at the width of its weights, before training`, async () => {
      const model = modelOf(name, options), { adapter } = model, start = await initialTensors(model, cpu);
      const sites = adapter.observe(ownOf(model, start)), costs = adapter.costs?.(ownOf(model, start)) ?? [];
      const parsed = parseOptions(name, options),
        { target, initRank: rank = parsed.rank, evaluateRank = rank } = parsed;
      if (target === undefined) return assert.deepEqual(sites, []); // no choice of matrices, because it adapts none
      const expected = adaptedModules(config, target as Target);
      const place = (site: { layer: number; matrix: string }) => `${site.layer}/${site.matrix}`;
      assert.deepEqual(sites.map(place), expected.map(place));
      sites.forEach((site, i) => {
        const { W0 = 32, ...others } = site.bits, key = `${expected[i]!.module}.weight`;
        // An update that is no product of a rank says what it costs instead, or is a part of the weight.
        if (site.maxRank === 0) {
          assert.ok(
            costs.some((cost) => cost.site.startsWith(`${place(site)} `)) || costs.length === 0 && adapter.merge,
          );
        } else assert.deepEqual([site.rank, site.maxRank], [evaluateRank, rank]);
        assert.equal(
          W0 < 32,
          start[key]!.data.some((x, j) => x !== weights[key]!.data[j]),
          `${place(site)}: ${W0} bits`,
        );
        assert.ok(Object.values(others).every((width) => width === 32));
      });
    });
  }

  Deno.test(`${name}: refuses an unknown option`, () => {
    assert.throws(() => attachMethod(name, config, { ranks: 4 }), (error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, new RegExp(`^Options of method "${name}": .*"ranks"`));
      return true;
    });
  });
}

Deno.test("attachMethod() refuses options out of range, naming them", () => {
  for (
    const [name, options, named] of [
      ["lora", { rank: 0 }, "rank"],
      ["lora", { rank: 2.5 }, "rank"],
      ["houlsby", { bottleneck: 0 }, "bottleneck"],
      ["dylora", { evaluateRank: 0 }, "evaluateRank"],
      ["dylora", { rank: 4, evaluateRank: 5 }, "evaluateRank"],
      ["adalora", { targetRank: 13 }, "targetRank"],
      ["adalora", { tInit: 0.6 }, "tFinal"],
      ["adalora", { deltaT: 1.5 }, "deltaT"],
      ["blora", { target: "everything" }, "target"],
      ["blora", { lambdaBits: -1 }, "lambdaBits"],
      ["blora", { alpha: "16" }, "alpha"],
      ["roselora", { sparsity: 1 }, "sparsity"],
      ["roselora", { begin: 0.5, end: 0.4 }, "end"],
      ["q-bara", { bits: 9 }, "bits"],
      ["qa-hira", { groupSize: 2 }, "groupSize"],
      ["lq-lora", { budget: 2 }, "budget"],
      ["apiq", { bits: 1 }, "bits"],
      ["hydralora", { heads: 0 }, "heads"],
    ] as const
  ) {
    assert.throws(() => attachMethod(name, config, options), (error) => {
      assert.ok(error instanceof InputError);
      assert.ok(error.message.startsWith(`Options of method "${name}": ${named}: `), error.message);
      return true;
    });
  }
});

Deno.test("B-LoRA's variants have no option that would do nothing in them", () => {
  for (const [name, option] of [["blora-q", "lambdaRank"], ["blora-ra", "lambdaBits"], ["blora-ra", "weighting"]]) {
    assert.throws(() => attachMethod(name!, config, { [option!]: 1 }), new RegExp(`"${name}": .*key.*"${option}"`));
  }
});

Deno.test("findMethod() names the methods there are", () => {
  assert.throws(() => findMethod("lorra"), (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(error.message, `Unknown method "lorra": expected one of ${METHOD_NAMES.join(", ")}`);
    return true;
  });
});
