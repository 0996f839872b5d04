import assert from "node:assert/strict";
import { chooseEngine, refuseMissing } from "./engine.ts";

const machine = (gpu: boolean, tensorflow: boolean) => ({
  hasGpu: () => Promise.resolve(gpu),
  hasTensorFlow: () => Promise.resolve(tensorflow),
});
const profile = { engine: "native", engineOnGpu: "tensorflow" } as const;

Deno.test("chooseEngine() takes a profile's engine for GPUs where there is one and the engine was set up", async () => {
  assert.deepEqual(await chooseEngine(profile, undefined, machine(true, true)), { engine: "tensorflow", slot: "gpu" });
  for (const tensorflow of [true, false]) {
    assert.deepEqual(await chooseEngine(profile, undefined, machine(false, tensorflow)), { engine: "native" });
  }
  assert.deepEqual(await chooseEngine({ engine: "portable" }, undefined, machine(true, true)), { engine: "portable" });
});

Deno.test("refuseMissing() refuses to leave a GPU idle because its engine was not set up", async () => {
  const left = await chooseEngine(profile, undefined, machine(true, false));
  assert.throws(() => refuseMissing(left, "paper"), {
    name: "InputError",
    message: 'Profile "paper" trains on this machine\'s GPU with the engine "tensorflow", which is not set up: ' +
      "type deno task setup:tensorflow, or pass --engine native",
  });
  refuseMissing(await chooseEngine(profile, "native", machine(true, false)), "paper");
  refuseMissing(await chooseEngine(profile, undefined, machine(false, false)), "paper");
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
