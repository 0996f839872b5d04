import assert from "node:assert/strict";
import { families, locate } from "./family.ts";
import { adaptedModules } from "./method.ts";
import { config } from "./testing.ts";

Deno.test("locate() finds the family and the layer of modules, and passes over others", () => {
  const all = families(config, "all6"), modules = adaptedModules(config, "all6").map(({ module }) => module);
  const [query, key, value, output] = modules.slice(6) as [string, string, string, string]; // of layer 1
  const { family, layer } = locate(all, [query, "lm_head", key, value])!;
  assert.deepEqual([family.name, layer], ["attention", 1]);
  const alone = locate(all, [output])!;
  assert.deepEqual([alone.family.name, alone.layer], ["attention-output", 1]);
  assert.equal(locate(families(config, "qv"), [key]), undefined);
});
