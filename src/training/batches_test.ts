import assert from "node:assert/strict";
import fc from "fast-check";
import { Stream } from "../random/stream.ts";
import {
  type Batch,
  type EncodedExample,
  evaluationBatches,
  paddedLength,
  rowsAtOnce,
  tokenFeeds,
  trainingBatches,
  trainingFeeds,
} from "./batches.ts";

const LENGTHS = [4, 8, 12];

/** Examples of up to 12 tokens, whose first token is their place. */
const someExamples = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 120 }).map((sizes) =>
  sizes.map((size, place): EncodedExample => ({ ids: [place, ...new Array(size - 1).fill(7)], label: place % 3 }))
);
const someSize = fc.integer({ min: 1, max: 9 }), someSeed = fc.integer();

const rowsOf = (batches: readonly Batch[]): number[] => batches.flatMap(({ indices }) => indices);
const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
const places = (examples: readonly unknown[]): number[] => examples.map((_, place) => place);

/** The smallest length of all that holds every row. */
function assertTight(examples: readonly EncodedExample[], { indices, length }: Batch): void {
  const longest = Math.max(...indices.map((i) => examples[i]!.ids.length));
  assert.ok(longest <= length && LENGTHS.includes(length));
  assert.ok(LENGTHS.every((allowed) => allowed >= length || allowed < longest));
}

Deno.test("rowsAtOnce() divides a batch into as few equal parts as hold no more than so many tokens", () => {
  assert.equal(rowsAtOnce(32, 128), 32);
  assert.deepEqual([64, 128, 320, 512].map((length) => rowsAtOnce(32, length, 4096)), [32, 32, 8, 8]);
  const positive = (max: number) => fc.integer({ min: 1, max });
  fc.assert(fc.property(positive(64), positive(600), positive(9000), (batch, length, tokens) => {
    const rows = rowsAtOnce(batch, length, tokens),
      larger = Array.from({ length: batch - rows }, (_, i) => rows + 1 + i);
    assert.equal(batch % rows, 0);
    assert.ok(rows === 1 || rows * length <= tokens);
    assert.ok(larger.every((more) => batch % more !== 0 || more * length > tokens));
  }));
});

Deno.test("trainingBatches() gives every example once, in as few batches as can hold them, no longer than needed", () => {
  fc.assert(fc.property(someExamples, someSize, someSeed, (examples, size, seed) => {
    const batches = trainingBatches(examples, size, LENGTHS, new Stream(seed));
    assert.deepEqual(ascending(rowsOf(batches)), places(examples));
    assert.equal(batches.length, Math.ceil(examples.length / size));
    for (const batch of batches) {
      assert.ok(batch.indices.length >= 1 && batch.indices.length <= size);
      assertTight(examples, batch);
    }
  }));
});

Deno.test("trainingBatches() depends on its stream alone, and shuffles", () => {
  const examples = Array.from({ length: 300 }, (_, i) => ({ ids: new Array(1 + i % 12).fill(5), label: 0 }));
  const batches = (epoch: number) => trainingBatches(examples, 8, LENGTHS, new Stream(3, "order", epoch));
  assert.deepEqual(batches(1), batches(1));
  assert.notDeepEqual(batches(1), batches(2));
  const lengths = batches(1).map(({ length }) => length);
  assert.notDeepEqual(lengths, ascending(lengths));
});

Deno.test("evaluationBatches() gives every example once, shortest first, equals in their order", () => {
  fc.assert(fc.property(someExamples, someSize, (examples, size) => {
    const batches = evaluationBatches(examples, size, LENGTHS), rows = rowsOf(batches);
    assert.deepEqual(ascending(rows), places(examples));
    for (const [i, row] of rows.slice(1).entries()) {
      const before = rows[i]!, growth = examples[row]!.ids.length - examples[before]!.ids.length;
      assert.ok(growth > 0 || (growth === 0 && row > before));
    }
    for (const batch of batches) assertTight(examples, batch);
  }));
});

Deno.test("paddedLength() is the smallest length that holds an example, and says which example none holds", () => {
  const padded = [1, 4, 5, 8, 12].map((tokens) => paddedLength(tokens, LENGTHS));
  assert.deepEqual(padded, [4, 4, 8, 8, 12]);
  assert.throws(
    () => paddedLength(13, LENGTHS),
    /^RangeError: An example of 13 tokens does not fit the lengths 4,8,12$/,
  );
});

Deno.test("tokenFeeds() pads with zeros and masks what is there", () => {
  const { ids, mask } = tokenFeeds([[5, 6], [7, 8, 9]], 3, 4);
  assert.deepEqual([ids!.dtype, ids!.shape, mask!.dtype, mask!.shape], ["int32", [3, 4], "float32", [3, 4]]);
  assert.deepEqual([...ids!.data], [5, 6, 0, 0, 7, 8, 9, 0, 0, 0, 0, 0]);
  assert.deepEqual([...mask!.data], [1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0]);
});

Deno.test("trainingFeeds() weighs the rows of a batch alike and the padding not at all", () => {
  const examples = [0, 1, 2].map((label): EncodedExample => ({ ids: [9, label], label }));
  const feeds = trainingFeeds(examples, { indices: [2, 0], length: 4 }, 4, false);
  assert.deepEqual([feeds.labels!.dtype, [...feeds.labels!.data]], ["int32", [2, 0, 0, 0]]);
  assert.deepEqual([...feeds.weights!.data], [0.5, 0.5, 0, 0]);
  assert.deepEqual([...feeds.ids!.data].slice(0, 8), [9, 2, 0, 0, 9, 0, 0, 0]);
});

Deno.test("trainingFeeds() keeps the fractions of a regression's scores", () => {
  const { labels } = trainingFeeds([{ ids: [1], label: 2.5 }], { indices: [0], length: 4 }, 2, true);
  assert.deepEqual([labels!.dtype, [...labels!.data]], ["float32", [2.5, 0]]);
});
