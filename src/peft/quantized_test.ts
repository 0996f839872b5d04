import assert from "node:assert/strict";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import { adaptedModules } from "./method.ts";
import { overQuantized } from "./quantized.ts";
import { attachMethod } from "./registry.ts";
import { config, weights } from "./testing.ts";

const given = { backbone: weights, seed: 1, seen: {} };
const about = {
  config,
  target: "qv",
  bits: 1,
  round: ({ shape, data }: HostTensor) => float32(shape, data.map(Math.sign)),
} as const;
const [first, ...others] = adaptedModules(config, "qv").map(({ module }) => `${module}.weight`) as [
  string,
  ...string[],
];

Deno.test("overQuantized() keeps what the adapter prepares, and quantizes what that leaves of the weights", () => {
  const plain = attachMethod("lora-xs", config, { rank: 2, target: "qv" }), { constants } = plain.prepare!(given);
  const turned = float32(weights[first]!.shape, weights[first]!.data.map((w) => -w)), bias = float32([config.hidden]);
  const prepare = () => ({ constants: constants!, backbone: { [first]: turned, "pooler.dense.bias": bias } });
  const made = overQuantized({ ...plain, prepare }, about).prepare!(given);
  assert.deepEqual(made.constants, constants);
  assert.deepEqual(Object.keys(made.backbone!).sort(), [first, ...others, "pooler.dense.bias"].sort());
  assert.deepEqual(made.backbone![first], about.round(turned));
  assert.equal(made.backbone!["pooler.dense.bias"], bias);
  for (const name of others) assert.deepEqual(made.backbone![name], about.round(weights[name]!));
});

Deno.test("overQuantized() quantizes the weights of an adapter that prepares nothing, and reports their bits", () => {
  const adapter = overQuantized(attachMethod("lora", config, { target: "qv" }), about);
  const quantized = Object.fromEntries([first, ...others].map((name) => [name, about.round(weights[name]!)]));
  assert.deepEqual(adapter.prepare!(given), { backbone: quantized });
  assert.ok(adapter.observe({}).every(({ bits }) => bits.W0 === 1));
});
