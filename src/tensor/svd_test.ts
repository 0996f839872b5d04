import assert from "node:assert/strict";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { Stream } from "../random/stream.ts";
import { float32, type HostTensor } from "./host_tensor.ts";
import { type Triplets, truncatedSvd } from "./svd.ts";

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

function assertOrthonormal(vectors: readonly Float64Array[]): void {
  vectors.forEach((a, i) =>
    vectors.forEach((b, j) => {
      const expected = i === j ? 1 : 0, got = dot(a, b);
      assert.ok(Math.abs(got - expected) < 1e-10, `vectors ${i} and ${j} have the product ${got}`);
    })
  );
}

/** sum of values[i] left[i] right[i]^T, row by row. */
function rebuilt({ left, values, right }: Triplets): number[] {
  return Array.from(
    left[0]!,
    (_, row) =>
      Array.from(
        right[0]!,
        (_, column) => values.reduce((sum, s, i) => sum + s * left[i]![row]! * right[i]![column]!, 0),
      ),
  ).flat();
}

const random = (m: number, n: number, label: string): HostTensor =>
  float32([m, n], new Stream("svd test", label).fillNormal(new Float32Array(m * n), 1));

/** A matrix with given singular values, from the vectors of a random one. */
function withValues(m: number, n: number, values: readonly number[]): HostTensor {
  const { left, right } = truncatedSvd(random(m, n, "vectors"), values.length);
  return float32([m, n], rebuilt({ left, values, right }));
}

const matrix = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })).chain(([m, n]) =>
  fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: m * n, maxLength: m * n })
    .map((data) => float32([m, n], data))
);

Deno.test("truncatedSvd() at full rank gives the matrix back, from orthonormal vectors in order of size", () => {
  fc.assert(fc.property(matrix, (W) => {
    const made = truncatedSvd(W, Math.min(...W.shape)), { left, values, right } = made;
    const live = values.filter((s) => s > 0).length;
    assert.deepEqual(values, values.toSorted((a, b) => b - a));
    assertOrthonormal(left.slice(0, live));
    assertOrthonormal(right.slice(0, live));
    rebuilt(made).forEach((x, i) => assert.ok(Math.abs(x - W.data[i]!) < 1e-10));
  }));
});

Deno.test("truncatedSvd() tells directions apart that are far smaller than the largest", () => {
  const tiny = 2 ** -43;
  const { left, values } = truncatedSvd(float32([3, 3], [1, 0, 0, 0, tiny, 1e-6 * tiny, 0, 0, tiny]), 3);
  assert.ok(values[2]! > 0.1 * tiny);
  assertOrthonormal(left);
});

Deno.test("truncatedSvd() leaves what is orthogonal to its triplets, and smaller than they are", () => {
  fc.assert(fc.property(matrix, fc.nat(8), (W, pick) => {
    const [m, n] = W.shape as [number, number], rank = 1 + pick % Math.min(m, n);
    const made = truncatedSvd(W, rank), kept = rebuilt(made), rest = kept.map((x, i) => W.data[i]! - x);
    for (const v of made.right) {
      for (let i = 0; i < m; i++) assert.ok(Math.abs(v.reduce((sum, x, j) => sum + rest[i * n + j]! * x, 0)) < 1e-9);
    }
    const squares = (numbers: ArrayLike<number>) => Array.from(numbers).reduce((sum, x) => sum + x * x, 0);
    const mean = squares(rest) / Math.max(1, Math.min(m, n) - rank);
    assert.ok(mean <= made.values.at(-1)! ** 2 + 1e-9, "a direction left out is longer than one taken");
    assert.ok(Math.abs(squares(W.data) - squares(kept) - squares(rest)) < 1e-8);
  }));
});

Deno.test("truncatedSvd() finds planted values of a wide matrix, equal ones and zeros among them", () => {
  for (const [m, n] of [[150, 140], [140, 200]] as const) {
    const planted = Array.from({ length: 40 }, (_, i) => i < 3 ? 5 : 4 * 0.8 ** i);
    const { values, left, right } = truncatedSvd(withValues(m, n, planted), 6);
    values.forEach((s, i) => assert.ok(Math.abs(s - planted[i]!) < 1e-5, `${s}, expected ${planted[i]}`));
    assertOrthonormal(left);
    assertOrthonormal(right);
    const few = truncatedSvd(withValues(m, n, [3, 2]), 4).values;
    [3, 2, 0, 0].forEach((s, i) => assert.ok(Math.abs(few[i]! - s) < 1e-5));
  }
  assert.deepEqual(truncatedSvd(float32([150, 150]), 3).values, [0, 0, 0]);
});

Deno.test("truncatedSvd() of a wide matrix comes near the full decomposition even where all values are close together", () => {
  // 130 columns: a Krylov basis for rank 4, every direction for rank 20.
  const W = random(160, 130, "flat"), all = truncatedSvd(W, 20).values, few = truncatedSvd(W, 4).values;
  few.forEach((s, i) => assert.ok(s <= all[i]! * (1 + 1e-12) && s > 0.98 * all[i]!, `${s}, expected ${all[i]}`));
});

Deno.test("truncatedSvd() has the same bits everywhere", () => {
  const hash = (W: HostTensor, rank: number) => {
    const { left, values, right } = truncatedSvd(W, rank), sum = createHash("sha256");
    for (const numbers of [...left, Float64Array.from(values), ...right]) sum.update(new Uint8Array(numbers.buffer));
    return sum.digest("hex").slice(0, 16);
  };
  assert.equal(hash(random(24, 16, "bits"), 5), "b2f2e5d46e826349");
  assert.equal(hash(random(140, 131, "bits"), 3), "f7271e8097597e4c");
});

Deno.test("truncatedSvd() refuses more triplets than there are", () => {
  for (const rank of [0, 4, 1.5]) {
    assert.throws(() => truncatedSvd(random(3, 5, "small"), rank), /singular triplets of a tensor of shape \[3,5\]/);
  }
  assert.throws(() => truncatedSvd(float32([6]), 1), /of shape \[6\]/);
});
