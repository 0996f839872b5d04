import assert from "node:assert/strict";
import fc from "fast-check";
import wabt from "wabt";
import { exactLog, Stream } from "./stream.ts";

Deno.test("Stream gives the same numbers for the same labels, whatever was drawn from others", () => {
  const first = new Stream(7, "dropout", 3), other = new Stream(7, "dropout", 4);
  other.uint32();
  const again = new Stream(7, "dropout", 3);
  for (let i = 0; i < 100; i++) assert.equal(first.uint32(), again.uint32());
  assert.notEqual(new Stream(7, "dropout", 3).uint32(), new Stream(7, "dropout", 4).uint32());
});

Deno.test("Stream keeps the label 1 apart from the label '1', and ['ab'] from ['a', 'b']", () => {
  assert.notEqual(new Stream(1).uint32(), new Stream("1").uint32());
  assert.notEqual(new Stream("ab").uint32(), new Stream("a", "b").uint32());
});

Deno.test("Stream has the numbers it had when the committed results were made", () => {
  const stream = new Stream(0, "pinned");
  assert.deepEqual([stream.uint32(), stream.uint32(), stream.uniform(), stream.normal()], [
    603112615,
    3962679170,
    0.27463477849960327,
    1.987295664454971,
  ]);
});

Deno.test("Stream.uniform() stays inside (0, 1) in float32, with mean 1/2 and variance 1/12", () => {
  const values = new Stream("uniform").fillUniform(new Float32Array(200_000));
  assert.ok(values.every((v) => v > 0 && v < 1));
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
  assert.ok(Math.abs(mean - 0.5) < 0.003, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1 / 12) < 0.001, `variance ${variance}`);
});

Deno.test("Stream.normal() has mean 0, variance 1 and the tails of a normal", () => {
  const values = new Stream("normal").fillNormal(new Float32Array(100_000), 1);
  const mean = values.reduce((a, b) => a + b) / values.length;
  const variance = values.reduce((a, b) => a + b * b, 0) / values.length;
  const beyond2 = values.filter((v) => Math.abs(v) > 2).length / values.length;
  assert.ok(Math.abs(mean) < 0.015 && Math.abs(variance - 1) < 0.02, `mean ${mean}, variance ${variance}`);
  assert.ok(Math.abs(beyond2 - 0.0455) < 0.003, `share beyond 2: ${beyond2}`);
});

Deno.test("Stream.fillMask() drops at its rate, neighbours independently", () => {
  const keep = new Stream("keep").fillMask(new Float32Array(200_001), 0.1, 2.5);
  assert.deepEqual(new Set(keep), new Set([0, 2.5]));
  const dropped = keep.filter((k) => k === 0).length / keep.length;
  let both = 0;
  for (let i = 1; i < keep.length; i++) if (!keep[i] && !keep[i - 1]) both++;
  assert.ok(Math.abs(dropped - 0.1) < 0.003, `dropped ${dropped}`);
  assert.ok(Math.abs(both / keep.length - 0.01) < 0.001, `both ${both / keep.length}`);
});

Deno.test("Stream.fillMask() takes two decisions from each value, the lower half's first, whatever came before", () => {
  // Up to a few pieces and some, and any rest of a group of eight.
  const size = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 16_370, max: 16_400 }), fc.constant(40_003));
  fc.assert(
    fc.property(fc.string(), fc.nat(9), size, fc.double({ min: 0, max: 1, noNaN: true }), (label, before, n, rate) => {
      const [stream, plain] = [new Stream(label), new Stream(label)];
      for (let i = 0; i < before; i++) assert.equal(stream.uint32(), plain.uint32());
      const halves = Array.from({ length: Math.ceil(n / 2) }, () => plain.uint32()).flatMap((
        v,
      ) => [v & 0xffff, v >>> 16]);
      const want = Float32Array.from(halves.slice(0, n), (half) => half < Math.round(rate * 65536) ? 0 : 2.5);
      assert.deepEqual(stream.fillMask(new Float32Array(n), rate, 2.5), want);
      assert.equal(stream.uint32(), plain.uint32());
    }),
  );
});

Deno.test("mask.wasm is what mask.wat says", async () => {
  const [text, binary] = ["./mask.wat", "./mask.wasm"].map((name) => new URL(name, import.meta.url));
  const parsed = (await wabt()).parseWat("mask.wat", await Deno.readTextFile(text!));
  assert.deepEqual(parsed.toBinary({}).buffer, await Deno.readFile(binary!));
});

Deno.test("Stream.below() reaches every value and no other; shuffled() keeps the items", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 50 }), fc.string(), (n, label) => {
    const stream = new Stream(label);
    for (let i = 0; i < 50; i++) assert.ok(stream.below(n) < n);
    const items = Array.from({ length: n }, (_, i) => i);
    assert.deepEqual(stream.shuffled(items).sort((a, b) => a - b), items);
  }));
  assert.throws(() => new Stream().below(0), /"0" is not a positive integer/);
});

Deno.test("exactLog() agrees with Math.log to 1e-15 relative", () => {
  fc.assert(fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
    const want = Math.log(x);
    assert.ok(Math.abs(exactLog(x) - want) <= 2e-15 * Math.max(1, Math.abs(want)));
  }));
  assert.throws(() => exactLog(0), /not a positive finite number/);
});
