import assert from "node:assert/strict";
import { initialize, initializeModel } from "./initialize.ts";

const none = new Map<string, number>();
const normal = { kind: "normal", std: 0.02 } as const;

Deno.test("initialize() draws N(0, std^2) and U(-bound, bound)", () => {
  const drawn = initialize("a", [100, 100], normal, 1, none).data as Float32Array;
  const mean = drawn.reduce((a, b) => a + b) / drawn.length;
  const variance = drawn.reduce((a, b) => a + (b - mean) ** 2, 0) / drawn.length;
  assert.ok(Math.abs(mean) < 1e-3 && Math.abs(Math.sqrt(variance) - 0.02) < 5e-4);
  const uniform = initialize("a", [100, 100], { kind: "uniform", bound: 0.5 }, 1, none).data as Float32Array;
  assert.ok(uniform.every((x) => Math.abs(x) < 0.5));
  assert.ok(Math.abs(uniform.reduce((a, b) => a + b * b, 0) / uniform.length - 0.25 / 3) < 2e-3);
});

Deno.test("initialize() gives every name and seed numbers of its own, and always the same", () => {
  const draw = (name: string, seed: number) => initialize(name, [8], normal, seed, none).data;
  assert.deepEqual(draw("a", 1), draw("a", 1));
  assert.notDeepEqual(draw("a", 1), draw("b", 1));
  assert.notDeepEqual(draw("a", 1), draw("a", 2));
});

Deno.test("initialize() starts a quantizer's step at two thirds of the measured range", () => {
  const initial = { kind: "log-step", probes: ["x", "zero"] } as const;
  const { data } = initialize("s", [2], initial, 0, new Map([["x", 3], ["zero", 0]]));
  assert.ok(Math.abs(data[0]! - Math.log(2)) < 1e-6);
  assert.ok(Number.isFinite(data[1]!));
  assert.throws(
    () => initialize("s", [2], initial, 0, new Map([["x", 3]])),
    /^Error: The range "zero" was never probed$/,
  );
});

Deno.test("initializeModel() starts biases at 0, LayerNorm weights at 1 and the rest at random", () => {
  const made = initializeModel(
    { "a.weight": [5], "a.bias": [2], "a.LayerNorm.weight": [2], "a.LayerNorm.bias": [1] },
    0.02,
    0,
  );
  assert.deepEqual([...made["a.bias"]!.data, ...made["a.LayerNorm.bias"]!.data], [0, 0, 0]);
  assert.deepEqual([...made["a.LayerNorm.weight"]!.data], [1, 1]);
  assert.equal(new Set(made["a.weight"]!.data).size, 5);
});
