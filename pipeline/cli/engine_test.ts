import assert from "node:assert/strict";
import { chooseEngine } from "./engine.ts";

const machine = (gpu: boolean, tensorflow: boolean) => ({
  hasGpu: () => Promise.resolve(gpu),
  hasTensorFlow: () => Promise.resolve(tensorflow),
});
const profile = { engine: "native", engineOnGpu: "tensorflow" } as const;

Deno.test("chooseEngine() takes a profile's engine for GPUs where there is one and the engine was set up", async () => {
  assert.deepEqual(await chooseEngine(profile, undefined, machine(true, true)), { engine: "tensorflow", slot: "gpu" });
  for (const [gpu, tensorflow] of [[true, false], [false, true], [false, false]] as const) {
    assert.deepEqual(await chooseEngine(profile, undefined, machine(gpu, tensorflow)), { engine: "native" });
  }
  assert.deepEqual(await chooseEngine({ engine: "portable" }, undefined, machine(true, true)), { engine: "portable" });
});

Deno.test("chooseEngine() takes the engine that is asked for, and gives its steps the GPU that it computes on", async () => {
  const slotOf = async (engine: string, gpu: boolean) => {
    const chosen = await chooseEngine(profile, engine, machine(gpu, true));
    assert.equal(chosen.engine, engine);
    return chosen.slot;
  };
  assert.deepEqual([await slotOf("tensorflow", true), await slotOf("tensorflow", false)], ["gpu", undefined]);
  assert.deepEqual([await slotOf("webgpu", false), await slotOf("cuda", false)], ["gpu", "gpu"]);
  assert.deepEqual([await slotOf("native", true), await slotOf("cpu", true)], [undefined, undefined]);
  await assert.rejects(() => chooseEngine(profile, "abacus", machine(true, true)), { name: "UsageError" });
});
