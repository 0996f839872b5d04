import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { logBucket, relativeBuckets } from "./relative_position.ts";
import { readSafetensors } from "./safetensors.ts";

Deno.test("relativeBuckets() equals transformers' build_relative_position", () => {
  const path = new URL("../../testdata/relpos-buckets/expected.safetensors", import.meta.url);
  const { tensors } = readSafetensors(readFileSync(path), path.pathname);
  const sets = Object.entries(tensors).flatMap(([name, { data }]) => {
    const [buckets, maxPosition, length] = (name.match(/by_offset\.b(\d+)_m(\d+)_n(\d+)/) ?? []).slice(1).map(Number);
    return buckets && maxPosition && length ? [{ got: relativeBuckets(length, buckets, maxPosition), data }] : [];
  });
  assert.equal(sets.length, 5);
  for (const { got, data } of sets) assert.deepEqual(got, data);
});

Deno.test("logBucket() does not overshoot where the logarithms have a rational ratio", () => {
  // ln(32/16) / ln(128/16) * 15 is 5; evaluated in float64 it comes out above 5.
  assert.equal(logBucket(32, 32, 129), 21);
});

Deno.test("logBucket() is odd, monotone, exact for near offsets, and ends in the last bucket", () => {
  const shape = fc.integer({ min: 1, max: 128 }).chain((middle) =>
    fc.tuple(fc.constant(middle), fc.integer({ min: middle + 2, max: 600 }))
  );
  fc.assert(fc.property(shape, ([middle, maxPosition]) => {
    let last = 0;
    for (let d = 0; d < maxPosition; d++) {
      const bucket = logBucket(d, 2 * middle, maxPosition);
      assert.equal(logBucket(-d, 2 * middle, maxPosition), -bucket);
      assert.ok(d <= middle ? bucket === d : bucket >= last);
      last = bucket;
    }
    assert.equal(last, 2 * middle - 1);
  }));
});

Deno.test("logBucket() refuses shapes without room for buckets", () => {
  for (const [buckets, maxPosition] of [[1, 64], [0, 64], [16, 9], [16, NaN]] as const) {
    assert.throws(() => logBucket(3, buckets, maxPosition), RangeError);
  }
});
