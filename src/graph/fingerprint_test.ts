import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalText } from "./canonical.ts";
import {
  asFileDigest,
  digestBytes,
  digestFile,
  type Environment,
  type FileDigest,
  keyOf,
  preimageOf,
} from "./fingerprint.ts";
import type { Json, Step } from "./step.ts";

const ENVIRONMENT: Environment = {
  common: { deno: "2.9.6" },
  engines: { portable: { "onnxruntime-web": "1.30.0" }, cpu: { tfjs: "4.22.0" } },
};
const STEP: Step = {
  name: "a/b",
  kind: "finetune",
  version: 1,
  parameters: { seed: 1, rate: 0.5 },
  inputs: {},
  outputs: ["run.json", "adapter.safetensors"],
};
const INPUTS = { data: digestBytes(new Uint8Array([1])), model: digestBytes(new Uint8Array([2])) };

function key(step: Partial<Step> = {}, inputs: Record<string, FileDigest> = INPUTS, environment = ENVIRONMENT): string {
  return keyOf(preimageOf({ ...STEP, ...step }, inputs, environment));
}

/** JSON without -0, which is refused. */
const json = fc.jsonValue().filter((value) => {
  try {
    return canonicalText(value as Json) !== "";
  } catch {
    return false;
  }
}) as fc.Arbitrary<Json>;

/** The same value with the keys of every object in reverse order. */
function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).reverse().map(([name, item]) => [name, reversed(item)]));
}

Deno.test("keyOf() does not depend on the order of keys", () => {
  fc.assert(fc.property(json, (parameters) => {
    assert.equal(key({ parameters: reversed(parameters) }), key({ parameters }));
  }));
  assert.equal(key({}, { model: INPUTS.model, data: INPUTS.data }), key());
});

Deno.test("keyOf() tells different parameters apart", () => {
  fc.assert(fc.property(json, json, (a, b) => {
    const equal = canonicalText(a) === canonicalText(b);
    assert.equal(key({ parameters: a }) === key({ parameters: b }), equal);
  }));
  const alike: Json[] = [1, "1", true, "true", null, "null", [], {}, [1], ["1"], [[1]], "", 0, false, { a: 1 }, {
    a: "1",
  }];
  assert.equal(new Set(alike.map((parameters) => key({ parameters }))).size, alike.length);
});

Deno.test("keyOf() changes with everything that a step depends on", () => {
  const others = [
    key({ kind: "pretrain" }),
    key({ version: 2 }),
    key({ parameters: { seed: 2, rate: 0.5 } }),
    key({ outputs: ["run.json"] }),
    key({ engine: "portable" }),
    key({ engine: "cpu" }),
    key({}, { data: INPUTS.model, model: INPUTS.data }),
    key({}, { data: INPUTS.data, weights: INPUTS.model }),
    key({}, {}),
    key({}, INPUTS, { ...ENVIRONMENT, common: { deno: "2.9.7" } }),
  ];
  assert.equal(new Set([key(), ...others]).size, others.length + 1);
});

Deno.test("keyOf() does not change with a step's name, cost, order of outputs, or another step's engine", () => {
  assert.equal(key({ name: "other", seconds: 9, outputs: STEP.outputs.toReversed() }), key());
  const upgraded = { ...ENVIRONMENT, engines: { ...ENVIRONMENT.engines, cpu: { tfjs: "5" } } };
  assert.equal(key({}, INPUTS, upgraded), key());
  assert.equal(key({ engine: "portable" }, INPUTS, upgraded), key({ engine: "portable" }));
  assert.notEqual(key({ engine: "cpu" }, INPUTS, upgraded), key({ engine: "cpu" }));
});

Deno.test("keyOf() stays what it was", () => {
  // Counted outside: sha256 of the preimage as sorted JSON without blanks.
  assert.equal(key(), "32d74b3e1bb21458960b82d4c1be502fcf9c98f3ab4bff662ec31381e9ada08d");
});

Deno.test("preimageOf() refuses an engine that the environment does not know", () => {
  assert.throws(() => key({ engine: "gpu" }), /unknown engine "gpu"/);
});

for (
  const [value, message] of [
    [-0, /value: "-0" is not a JSON number/],
    [{ a: [0, NaN] }, /value\.a\[1\]: "NaN"/],
    [Infinity, /"Infinity"/],
    [{ a: undefined }, /value\.a: expected null/],
    [new Date(0), /value: expected null/],
    [new Map(), /value: expected null/],
    [() => 1, /value: expected null/],
    [1n, /value: expected null/],
    [new Float32Array(2), /value: expected null/],
    [Array(2), /value\[0\]: expected null/],
  ] as const
) {
  Deno.test(`canonicalText() refuses ${Deno.inspect(value)}`, () => {
    assert.throws(() => canonicalText(value as never), message);
  });
}

Deno.test("digestFile() agrees with digestBytes()", async () => {
  const path = await Deno.makeTempFile();
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
  await Deno.writeFile(path, bytes);
  assert.equal(await digestFile(path), digestBytes(bytes));
  await Deno.remove(path);
});

Deno.test("asFileDigest() refuses what is not a sha256", () => {
  assert.equal(asFileDigest(INPUTS.data), INPUTS.data);
  for (const text of ["", "abc", INPUTS.data.toUpperCase(), `${INPUTS.data}0`]) {
    assert.throws(() => asFileDigest(text), TypeError);
  }
});
