import assert from "node:assert/strict";
import { families, locate } from "./family.ts";
import { adaptedModules } from "./method.ts";
import { config } from "./testing.ts";

Deno.test("locate() finds the family, the layer and the members of modules, in their order, and passes over others", () => {
  const all = families(config, "all6"), modules = adaptedModules(config, "all6").map(({ module }) => module);
  const [query, key, value, output] = modules.slice(6) as [string, string, string, string]; // of layer 1
  const { family, layer, members, adapted } = locate(all, [value, "lm_head", query])!;
  assert.deepEqual([family.name, layer, members, adapted], ["attention", 1, [2, 0], [value, query]]);
  const alone = locate(all, [output])!;
  assert.deepEqual([alone.family.name, alone.layer, alone.members], ["attention-output", 1, [0]]);
  assert.equal(locate(families(config, "qv"), [key]), undefined);
});
