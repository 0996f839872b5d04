import assert from "node:assert/strict";
import { cpu } from "../engines/testing.ts";
import { LEVELS, NF4 } from "../quantization/normal_float.ts";
import { adaptedModules } from "./method.ts";
import { config, initialTensors, modelOf, weights } from "./testing.ts";

Deno.test("every adapted matrix is, block by block, one number times 16 levels, near what it was; all others are untouched", async () => {
  const model = modelOf("qlora", { target: "all6" }), start = await initialTensors(model, cpu);
  const adapted = new Set(adaptedModules(config, "all6").map(({ module }) => `${module}.weight`));
  for (const [name, { data }] of Object.entries(weights)) {
    const kept = start[name]!.data;
    if (!adapted.has(name)) {
      assert.deepEqual(kept, data, name);
      continue;
    }
    for (let from = 0; from < data.length; from += NF4.block) {
      const block = Array.from(kept.subarray(from, from + NF4.block)), largest = Math.max(...block.map(Math.abs));
      block.forEach((w, i) => {
        assert.ok(LEVELS[4].some((level) => Math.abs(level * largest - w) < 1e-6 * largest), `${name}: ${w}`);
        // Half the widest gap between levels, and what double quantization takes from the constant.
        assert.ok(Math.abs(w - data[from + i]!) < 0.2 * largest, `${name}: ${data[from + i]} became ${w}`);
      });
    }
  }
});
