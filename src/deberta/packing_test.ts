import assert from "node:assert/strict";
import fc from "fast-check";
import { float32, int32 } from "../tensor/host_tensor.ts";
import { isPacked, packedRows, packTokens, ROW_UNIT } from "./packing.ts";

/** Batches with padding anywhere, texts that are padding as a whole among them. */
const batches = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 12 })).chain(([batch, length]) =>
  fc.record({
    shape: fc.constant([batch, length]),
    mask: fc.array(fc.constantFrom(0, 1), { minLength: batch * length, maxLength: batch * length }),
  })
);

Deno.test("packTokens() gives every token a row, first tokens first, and padding a spare one", () => {
  fc.assert(fc.property(batches, fc.boolean(), ({ shape, mask }, packed) => {
    const [batch, length] = shape as [number, number], places = batch * length, places32 = float32(shape, mask);
    const ids = int32(shape, mask.map((_, place) => 100 + place)), rows = packed ? packedRows(places32) : places;
    const laid = packTokens(ids, places32, rows), { rowOf, placeOf } = laid as Record<string, { data: Int32Array }>;
    assert.deepEqual([laid.ids!.shape, laid.rowOf!.shape, laid.placeOf!.shape], [[rows], shape, [rows]]);
    assert.deepEqual([...laid.ids!.data], Array.from(placeOf!.data, (place) => 100 + place));
    assert.deepEqual([...placeOf!.data.slice(0, batch)], Array.from({ length: batch }, (_, b) => b * length));
    const isToken = (place: number) => place % length === 0 || mask[place] === 1;
    const found = new Set<number>();
    mask.forEach((_, place) => {
      const row = rowOf!.data[place]!;
      // Rows that stand for nothing have a place of padding, and places of padding have such a row, or one of their own.
      if (isToken(place)) assert.equal(placeOf!.data[row], place);
      else assert.ok(!isToken(placeOf!.data[row]!));
      if (isToken(place)) found.add(row);
    });
    assert.equal(found.size, mask.filter((_, place) => isToken(place)).length);
    placeOf!.data.forEach((place, row) => assert.ok(found.has(row) || !isToken(place)));
  }));
});

Deno.test("packedRows() is the tokens and a spare row, rounded up, and at most all places", () => {
  fc.assert(fc.property(batches, ({ shape, mask }) => {
    const rows = packedRows(float32(shape, mask)), places = mask.length, length = shape[1]!;
    const tokens = mask.filter((token, place) => token === 1 || place % length === 0).length;
    assert.ok(rows === places || (rows % ROW_UNIT === 0 && rows > tokens && rows - tokens <= ROW_UNIT));
    assert.ok(rows >= tokens && rows <= places);
  }));
});

Deno.test("packTokens() refuses rows that tokens do not fit, or that leave padding none", () => {
  const ids = int32([1, 4], [1, 2, 3, 0]), mask = float32([1, 4], [1, 1, 1, 0]);
  for (const rows of [2, 3]) {
    assert.throws(() => packTokens(ids, mask, rows), /^RangeError: A batch of 3 tokens and some padding does not fit/);
  }
});

Deno.test("batches of small backbones are not packed, those of large ones are", () => {
  assert.deepEqual([isPacked(16, 32, 64), isPacked(16, 32, 384)], [false, true]);
  assert.equal(isPacked(15, 33, 384), false, "rows come in multiples");
});
