import assert from "node:assert/strict";
import { encoderShapes } from "../deberta/config.ts";
import { InputError } from "../errors.ts";
import { normal } from "../engines/testing.ts";
import { quantizeGroups } from "../quantization/grouped.ts";
import { float32, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { truncatedSvd } from "../tensor/svd.ts";
import { initializeModel } from "../training/initialize.ts";
import { adaptedModules, type Adapter } from "./method.ts";
import { attachMethod } from "./registry.ts";
import { config } from "./testing.ts";

const wide = { ...config, hidden: 64, ffn: 128, layers: 1 }, backbone = initializeModel(encoderShapes(wide), 0.1, 1);

/** A trained adapter: every parameter somewhere. */
const trained = ({ parameters }: Adapter): HostTensors =>
  Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, normal(shape, 0.1, name)]));

for (const method of ["q-bara", "qa-hira"]) {
  Deno.test(`${method}: a merged model has the codes and steps of before; its zero points alone have moved`, () => {
    const groupSize = 16, bits = 3, adapter = attachMethod(method, wide, { groupSize, bits, target: "all6" });
    const kept = adapter.prepare!({ backbone, seed: 1, seen: {} }).backbone!;
    const merged = adapter.merge!(kept, trained(adapter));
    for (const { module, into } of adaptedModules(wide, "all6")) {
      const name = `${module}.weight`, before = quantizeGroups(kept[name]!, bits, groupSize);
      const after = quantizeGroups(merged[name]!, bits, groupSize);
      assert.deepEqual(after.codes, before.codes, name);
      after.step.forEach((step, i) => assert.ok(Math.abs(step / before.step[i]! - 1) < 1e-4));
      assert.ok(after.low.some((zero, i) => Math.abs(zero - before.low[i]!) > 1e-3), name);
      // The step alone cannot tell a whole group that moved from one that did not: the weights all moved alike.
      merged[name]!.data.forEach((w, i) => {
        const group = Math.floor(i / into) * (into / groupSize) + Math.floor(i % into / groupSize);
        const moved = after.low[group]! - before.low[group]!;
        assert.ok(Math.abs(w - kept[name]!.data[i]! - moved) < 1e-6);
      });
    }
  });

  Deno.test(`${method}: refuses sides that its groups do not fill`, () => {
    assert.throws(() => attachMethod(method, config, { target: "all6" }), (error) => {
      assert.ok(error instanceof InputError);
      assert.match(
        error.message,
        new RegExp(`^Method "${method}" cannot pool the 12 sides of .* "8", expected a divisor$`),
      );
      return true;
    });
  });
}

Deno.test("q-bara: spends the parameters and multiplications of a LoRA on a rank that is larger by the group", () => {
  const base = { ...config, hidden: 768, ffn: 3072, layers: 1 }, rank = 8, groupSize = 4, expand = 4;
  const balanced = attachMethod("q-bara", base, { rank, groupSize, expand }),
    lora = attachMethod("lora", base, { rank });
  const size = ({ parameters }: Adapter) => Object.values(parameters).reduce((sum, p) => sum + sizeOf(p.shape), 0);
  assert.equal(size(balanced), size(lora));
  assert.deepEqual(balanced.costs!({}).map(({ macsPerToken }) => macsPerToken), Array(3).fill(rank * (768 + 768)));
  for (const [name, { shape }] of Object.entries(balanced.parameters)) {
    assert.equal(shape[name.includes("lora_A") ? 0 : 1], rank * groupSize);
  }
});

Deno.test("qa-hira: its update has a rank that no LoRA with as many parameters reaches", () => {
  const adapter = attachMethod("qa-hira", wide, { groupSize: 4, expand: 8, target: "qv" }), tensors = trained(adapter);
  const kept = adapter.prepare!({ backbone, seed: 1, seen: {} }).backbone!, merged = adapter.merge!(kept, tensors);
  for (const { module, into, out } of adaptedModules(wide, "qv")) {
    const name = `${module}.weight`, parameters = tensors[`${module}.hira_M.weight`]!.data.length;
    const update = float32([out, into], merged[name]!.data.map((w, i) => w - kept[name]!.data[i]!));
    const { values } = truncatedSvd(update, 16), rank = values.filter((value) => value > 1e-4 * values[0]!).length;
    assert.equal(rank, 8); // all of M, [64 / 8, 64 / 4]
    assert.ok(
      parameters / (into + out) < 2,
      `${parameters} parameters are a LoRA of rank ${parameters / (into + out)}`,
    );
  }
});
