import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { encoderShapes, headShapes } from "../deberta/config.ts";
import { ProgramCache } from "../engines/program_cache.ts";
import { fineTune } from "../training/fine_tune.ts";
import { initializeModel } from "../training/initialize.ts";
import { CLS, portable, SEP, TINY } from "../training/testing.ts";
import { attachMethod } from "./registry.ts";
import { keptShare, prune, type RoseloraOptions } from "./roselora.ts";

const options = { sparsity: 0.75, begin: 0.2, end: 0.6 } as RoseloraOptions;

Deno.test("keptShare() falls as a cube from all to the target", () => {
  assert.equal(keptShare(0.19, options), 1);
  assert.equal(keptShare(0.2, options), 1);
  assert.ok(Math.abs(keptShare(0.4, options) - (0.25 + 0.75 / 8)) < 1e-12); // half-way, an eighth of the way is left
  assert.equal(keptShare(0.6, options), 0.25);
  assert.equal(keptShare(1, options), 0.25);
});

Deno.test("prune() keeps the most sensitive entries of each line and zeroes the rest", () => {
  const entry = fc.record({
    value: fc.integer({ min: 1, max: 9 }),
    sensitivity: fc.integer({ min: 0, max: 5 }),
  });
  fc.assert(fc.property(fc.array(entry, { minLength: 6, maxLength: 6 }), fc.double({ min: 0, max: 1, noNaN: true }), (
    entries,
    share,
  ) => {
    const values = Float32Array.from(entries, ({ value }) => value), lines = [[0, 2, 4], [1, 3, 5]];
    const pruned = prune(values, Float32Array.from(entries, ({ sensitivity }) => sensitivity), lines, share);
    for (const line of lines) {
      const kept = line.filter((i) => pruned[i] !== 0), gone = line.filter((i) => pruned[i] === 0);
      assert.equal(kept.length, Math.max(1, Math.round(3 * share)));
      assert.ok(kept.every((i) => pruned[i] === values[i]));
      const weakest = Math.min(...kept.map((i) => entries[i]!.sensitivity));
      assert.ok(gone.every((i) => entries[i]!.sensitivity <= weakest));
    }
  }));
});

Deno.test("a step renews the running mean of |p dL/dp|", () => {
  const adapter = attachMethod("roselora", TINY, { rank: 2, target: "qv", beta: 0.75 });
  tf.tidy(() => {
    const fill = (value: number) => (name: string) =>
      tf.fill(adapter.parameters[name.replace(".sensitivity", "")]!.shape.slice(), value);
    const renewed = adapter.track!({ parameter: fill(-2), gradient: fill(3), state: fill(8) });
    assert.deepEqual(Object.keys(renewed), Object.keys(adapter.state!));
    for (const [name, tensor] of Object.entries(renewed)) {
      assert.deepEqual(tensor.shape, adapter.state![name]);
      for (const x of tensor.dataSync()) assert.ok(Math.abs(x - (0.75 * 8 + 0.25 * 6)) < 1e-5);
    }
  });
});

Deno.test("after a run each row of A and each column of B is sparse, and so is their product", async () => {
  const sparsity = 0.75, rank = 2, adapter = attachMethod("roselora", TINY, { rank, sparsity, target: "all6" });
  const examples = Array.from({ length: 8 }, (_, i) => ({ ids: [CLS, 5 + i, 5 + i % 3, SEP], label: i % 2 }));
  const { trained } = await fineTune({
    programs: new ProgramCache(portable),
    model: { config: TINY, adapter, labels: 2, classifierDropout: 0 },
    modelKey: "roselora",
    task: "sst2",
    train: examples,
    dev: { dev: examples },
    weights: initializeModel({ ...encoderShapes(TINY), ...headShapes(TINY, 2) }, 0.2, 1),
    settings: {
      seed: 1,
      // Two, so that the first ends half-way down the schedule.
      epochs: 2,
      batch: 1,
      learningRate: 0.03,
      gateLearningRate: 0.03,
      weightDecay: 0,
      warmup: 0,
      maxNorm: 1,
      lengths: [4],
    },
  });
  const live = (line: readonly number[]) => line.filter((x) => x !== 0).length;
  for (const [name, { shape }] of Object.entries(adapter.parameters)) {
    const { data } = trained[name]!, [rows, columns] = shape as [number, number], ofA = name.includes("lora_A");
    for (let line = 0; line < rank; line++) {
      const length = ofA ? columns : rows;
      const numbers = Array.from({ length }, (_, i) => data[ofA ? line * columns + i : i * columns + line]!);
      assert.equal(live(numbers), length * (1 - sparsity), `${name}: ${numbers}`);
    }
    if (ofA) continue;
    const A = trained[name.replace("lora_B", "lora_A")]!, into = A.shape[1]!;
    const update = Array.from({ length: rows * into }, (_, at) => {
      const i = Math.floor(at / into), j = at % into;
      return Array.from({ length: rank }, (_, k) => data[i * rank + k]! * A.data[k * into + j]!).reduce((a, b) =>
        a + b
      );
    });
    assert.ok(live(update) > 0 && live(update) <= rank * (1 - sparsity) ** 2 * update.length, name);
  }
});
