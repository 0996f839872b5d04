import assert from "node:assert/strict";
import fc from "fast-check";
import { MATRICES, type Matrix, QUANTIZED, type Site } from "../training/record.ts";
import { accountBops, SCOPES, sharesOf } from "./account.ts";
import { describeForward } from "./describe.ts";
import { loraReference, relative } from "./relative.ts";
import { describeShape, type EncoderShape, type Forward } from "./shape.ts";
import { countBops } from "./walk.ts";

/** Small enough to count on paper. */
const tiny: EncoderShape = { hidden: 4, ffn: 6, layers: 1, heads: 2, vocab: 10, positionBuckets: 4 };

const site = (matrix: Matrix, rank: number, bits: Site["bits"], layer = 0): Site => ({
  layer,
  matrix,
  rank,
  maxRank: 8,
  bits,
});

Deno.test("accountBops() agrees with a count by hand of a plain backbone", () => {
  const { scopes, parts } = accountBops({ shape: tiny, sites: [], length: 3, labels: 2 });
  assert.equal(scopes.adapter, 0);
  // query, key, value: 3 matrices x 3 tokens x 16 MACs.
  assert.equal(scopes["adapted-layers"], 3 * 3 * 16 * 1024);
  // attention output 3 x 16, FFN 2 x 3 x 24; products: 9 x 4 twice, two position products 3 x 5 x 4; 2 x 5 rows x 16.
  assert.equal(scopes.encoder, (144 + 48 + 144 + 72 + 120 + 160) * 1024);
  // pooler 16, classifier 4 x 2.
  assert.equal(scopes.model, scopes.encoder + 24 * 1024);
  assert.deepEqual(parts, { W0: 144 * 1024, A: 0, E: 0, B: 0, other: 0 });
});

Deno.test("accountBops() agrees with a count by hand of one B-LoRA site with E", () => {
  const bits = { W0: 8, A: 4, B: 2, E: 16, "A-out": 4, "E-out": 8, "AB-out": 2, "W0-out": 2, out: 16 };
  const { scopes, parts } = accountBops({
    shape: tiny,
    sites: [{ ...site("value", 2, bits), diagonal: true }],
    length: 3,
    labels: 1,
  });
  assert.deepEqual(parts, {
    W0: 3 * 16 * 8 * 32,
    A: 3 * 4 * 2 * 4 * 32,
    E: 3 * 2 * 16 * 4,
    B: 3 * 2 * 4 * 2 * 8,
    other: 0,
  });
  assert.equal(scopes.adapter, 3072 + 384 + 384);
  assert.equal(scopes["adapted-layers"], 3840 + 12288);
  // Everything else in full precision, but for probabilities x value, which reads 16-bit values.
  const others = (3 * 48 + 144 + 36 + 120 + 160) * 1024 + 36 * 32 * 16;
  assert.equal(scopes.encoder, 16128 + others);
});

Deno.test("accountBops() gives B the activation of A where there is no E", () => {
  const bits = { B: 2, "A-out": 4, "E-out": 8 };
  const { parts } = accountBops({
    shape: tiny,
    sites: [site("output", 3, bits)],
    length: 1,
    labels: 1,
  });
  assert.deepEqual(parts, { W0: 24 * 1024, A: 6 * 3 * 1024, E: 0, B: 3 * 4 * 2 * 4, other: 0 });
});

Deno.test("accountBops() counts a method's other products for each token, added ones included, by hand", () => {
  const costs = [
    { site: "0/output down", macsPerToken: 4 * 2, weightBits: 32, inputBits: 32 },
    { site: "0/output up", macsPerToken: 2 * 4, weightBits: 8, inputBits: 4 },
  ];
  const { scopes, parts } = accountBops({ shape: tiny, sites: [], costs, virtualTokens: 2, length: 3, labels: 2 });
  assert.equal(parts.other, 5 * 8 * 1024 + 5 * 8 * 32);
  assert.equal(scopes.adapter, parts.other);
  assert.equal(scopes["adapted-layers"], parts.other + 3 * 5 * 16 * 1024);
  // Five tokens: the encoder of an example of that length, and the products.
  const five = accountBops({ shape: tiny, sites: [], length: 5, labels: 2 });
  assert.equal(scopes.model, five.scopes.model + parts.other);
});

Deno.test("accountBops() is lower for a pruned rank, by what the rank cost", () => {
  const at = (rank: number) =>
    accountBops({ shape: tiny, sites: [{ ...site("value", rank, {}), diagonal: true }], length: 3, labels: 2 }).scopes;
  for (const scope of SCOPES) assert.equal(at(5)[scope] - at(4)[scope], 3 * (4 + 1 + 4) * 1024);
});

Deno.test("accountBops() reads the attention products at the widths of query, key and value outputs", () => {
  const plain: Forward = {
    shape: tiny,
    sites: MATRICES.slice(0, 3).map((m) => site(m, 0, {})),
    length: 3,
    labels: 1,
  };
  const quantized = { ...plain, sites: plain.sites.map((s) => ({ ...s, bits: { out: 4 } })) };
  const saved = accountBops(plain).scopes.encoder - accountBops(quantized).scopes.encoder;
  // content 36 and position 120 MACs: 32 x 32 becomes 4 x 4; values 36 MACs: 32 x 4 remains.
  assert.equal(saved, 156 * (1024 - 16) + 36 * (1024 - 128));
});

Deno.test("accountBops() shares the position projections among the examples of a batch", () => {
  const one: Forward = { shape: tiny, sites: [], length: 3, labels: 2 };
  const saved = accountBops(one).scopes.encoder - accountBops({ ...one, batch: 4 }).scopes.encoder;
  assert.equal(saved, 160 * 1024 * 3 / 4);
});

Deno.test("accountBops() refuses sites that do not fit", () => {
  const count = (...sites: Site[]) => accountBops({ shape: tiny, sites, length: 3, labels: 2 });
  assert.throws(() => count(site("key", 1, {}, 1)), /"1\/key" lies outside an encoder of 1 layers/);
  assert.throws(() => count(site("key", 1, {}), site("key", 1, {})), /"0\/key" is given twice/);
  assert.throws(() => count(site("key", 9, {})), /has rank 9, expected 0 to 8/);
  assert.throws(() => count(site("key", 1, { A: 64 })), /has 64 bits for A, expected 1 to 32/);
  assert.throws(() => count(site("pooler" as Matrix, 1, {})), /names no projection/);
  assert.throws(
    () => accountBops({ shape: tiny, sites: [], length: 0, labels: 2 }),
    /bit operations of 0 tokens/,
  );
});

const width = fc.constantFrom(2, 4, 8, 16, 32);
const forwards: fc.Arbitrary<Forward> = fc.record({
  shape: fc.record({
    hidden: fc.integer({ min: 1, max: 32 }),
    ffn: fc.integer({ min: 1, max: 64 }),
    layers: fc.integer({ min: 1, max: 3 }),
    heads: fc.constant(1),
    vocab: fc.constant(9),
    positionBuckets: fc.constant(8),
  }),
  rank: fc.integer({ min: 0, max: 8 }),
  matrices: fc.subarray([...MATRICES]),
  bits: fc.dictionary(fc.constantFrom(...QUANTIZED), width),
  diagonal: fc.boolean(),
  virtualTokens: fc.integer({ min: 0, max: 4 }),
  costs: fc.array(
    fc.record({
      site: fc.string(),
      macsPerToken: fc.integer({ min: 0, max: 99 }),
      weightBits: width,
      inputBits: width,
    }),
    { maxLength: 3 },
  ),
  length: fc.integer({ min: 1, max: 64 }),
  labels: fc.integer({ min: 1, max: 3 }),
}).map(({ rank, matrices, bits, diagonal, ...forward }) => ({
  ...forward,
  sites: Array.from(
    { length: forward.shape.layers },
    (_, layer) => matrices.map((m) => ({ ...site(m, rank, bits, layer), diagonal })),
  ).flat(),
}));

Deno.test("countBops() of the described forward pass equals the closed form", () => {
  fc.assert(fc.property(forwards, (forward) => {
    assert.deepEqual(countBops(describeForward(forward)), accountBops(forward));
  }));
});

Deno.test("Scopes contain one another and shares add up to one", () => {
  fc.assert(fc.property(forwards, (forward) => {
    const account = accountBops(forward), counts = SCOPES.map((scope) => account.scopes[scope]);
    assert.deepEqual(counts, [...counts].sort((a, b) => a - b));
    const sum = Object.values(sharesOf(account)).reduce((a, b) => a + b);
    assert.ok(Math.abs(sum - 1) < 1e-12);
  }));
});

Deno.test("describeForward() names every product of a layer once, in order of execution", () => {
  const names = describeForward({
    shape: tiny,
    sites: [{ ...site("key", 1, {}), diagonal: true }],
    length: 2,
    labels: 1,
  })
    .map(({ site, part }) => part ? `${site} ${part}` : site);
  assert.deepEqual(names, [
    "0/query W0",
    ...["W0", "A", "E", "B"].map((part) => `0/key ${part}`),
    "0/value W0",
    "0/content-to-content",
    ...Array(4).fill("0/position-key"),
    "0/content-to-position",
    "0/position-query",
    "0/position-to-content",
    "0/probabilities-value",
    "0/attention-output W0",
    "0/intermediate W0",
    "0/output W0",
    "pooler",
    "classifier",
  ]);
});

Deno.test("countBops() refuses a product that is no count", () => {
  const bad = { site: "0/key", macs: NaN, weightBits: 8, inputBits: 8, scope: "encoder" } as const;
  assert.throws(() => countBops([bad]), /Cannot count product "0\/key"/);
});

Deno.test("relative() is 100 % for LoRA r = 8 itself and at 8 x 32 bits a quarter of W0", () => {
  const shape = { ...tiny, hidden: 768, ffn: 3072, layers: 2 };
  const plain: Forward = { shape, sites: [], length: 50, labels: 2 };
  const lora = loraReference(plain);
  assert.equal(lora.sites.length, 6);
  assert.deepEqual(relative(lora), { adapter: 100, "adapted-layers": 100, encoder: 100, model: 100 });
  const quantized = { ...lora, sites: lora.sites.map((s) => ({ ...s, rank: 0, bits: { W0: 8 } })) };
  // W0 at 8 bits and no adapter, against W0 + 8 (n + m) in full precision.
  assert.equal(relative(quantized)["adapted-layers"], 100 * 0.25 * 768 / (768 + 16));
  assert.equal(relative(plain).adapter, 0);
});

Deno.test("describeShape() says a backbone in words", () => {
  assert.equal(describeShape(tiny), "1 layers, hidden 4, 2 heads, FFN 6, vocabulary 10, 4 position buckets");
});
