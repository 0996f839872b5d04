/** Planning a pipeline of 200 steps that are all fresh: what every command pays before it does anything. */

import { buildGraph } from "./graph.ts";
import { resolve } from "./plan.ts";
import { keyOf } from "./fingerprint.ts";
import { inspect, reproduce } from "./reproduce.ts";
import type { Step } from "./step.ts";
import { type Manifest, Store } from "./store.ts";
import { ENVIRONMENT, MODULES, step } from "./toy/pipeline.ts";

/** Ten chains of twenty steps, with parameters and outputs as fine-tuning runs have them. */
function twoHundredSteps(): Step[] {
  return Array.from({ length: 200 }, (_, i): Step => {
    const inputs = i < 10 ? {} : { before: { step: `run/${i - 10}`, output: "run.json" } };
    const parameters = { method: "lora", rank: 8, alpha: 16, task: "cola", seed: i, epochs: 3, rate: 5e-4, batch: 32 };
    return step("absent", `run/${i}`, parameters, inputs, ["run.json", "adapter.safetensors", "log.csv"]);
  });
}

const cache = Deno.makeTempDirSync(), steps = twoHundredSteps(), store = new Store(cache);
globalThis.addEventListener("unload", () => Deno.removeSync(cache, { recursive: true }));
const target = { steps, environment: ENVIRONMENT, cache, scope: "bench" };
const manifests = new Map<string, Manifest>();
for (const each of buildGraph(steps).steps.values()) {
  const key = keyOf(resolve(each, ENVIRONMENT, (name) => manifests.get(name) as Manifest));
  const outputs = each.outputs.map((output) => [output, new TextEncoder().encode(`${each.name} ${output}`)] as const);
  manifests.set(each.name, await store.put(key, new Map(outputs)));
}

Deno.bench("inspect() 200 fresh steps", async () => {
  await inspect(target);
});

Deno.bench("reproduce() 200 fresh steps", async () => {
  const outcome = await reproduce({ ...target, modules: MODULES, jobs: 2, emit: () => {} });
  if (outcome.status !== "ok") throw new Error("The steps should be fresh");
});
