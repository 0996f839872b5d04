import assert from "node:assert/strict";
import fc from "fast-check";
import { float32 } from "./host_tensor.ts";
import { addScaled, type Matrix, matrixOf, product } from "./matrix.ts";

const size = fc.integer({ min: 1, max: 5 });
const matrix = (rows: number, columns: number): fc.Arbitrary<Matrix> =>
  fc.array(fc.integer({ min: -9, max: 9 }), { minLength: rows * columns, maxLength: rows * columns })
    .map((data) => ({ rows, columns, data }));

Deno.test("product() multiplies rows by columns, in any association", () => {
  assert.deepEqual(
    [
      ...product({ rows: 2, columns: 2, data: [1, 2, 3, 4] }, { rows: 2, columns: 1, data: [5, 6] })
        .data as Float64Array,
    ],
    [17, 39],
  );
  const three = fc.tuple(size, size, size, size).chain(([a, b, c, d]) =>
    fc.tuple(matrix(a, b), matrix(b, c), matrix(c, d))
  );
  fc.assert(fc.property(three, ([A, B, C]) => {
    assert.deepEqual(product(product(A, B), C), product(A, product(B, C)));
  }));
});

Deno.test("product() of fewer terms is that of the first columns and rows", () => {
  const whole = fc.tuple(size, size, size).chain(([a, b, c]) =>
    fc.tuple(matrix(a, b), matrix(b, c), fc.integer({ min: 0, max: b }))
  );
  fc.assert(fc.property(whole, ([A, B, terms]) => {
    const first = { rows: A.rows, columns: terms, data: Array.from(A.data).filter((_, i) => i % A.columns < terms) };
    const rest = { rows: terms, columns: B.columns, data: Array.from(B.data).slice(0, terms * B.columns) };
    assert.deepEqual(product(A, B, terms), product(first, rest));
  }));
});

Deno.test("product() refuses matrices that do not fit, with both shapes", () => {
  const A = { rows: 1, columns: 2, data: [1, 2] };
  assert.throws(() => product(A, A), /Cannot multiply a matrix \[1, 2\] by one of \[1, 2\]/);
});

Deno.test("addScaled() adds to a weight and keeps its shape, matrixOf() takes the last axis as columns", () => {
  const W = float32([2, 1, 2], [1, 2, 3, 4]), { rows, columns } = matrixOf(W);
  assert.deepEqual([rows, columns], [2, 2]);
  assert.deepEqual(addScaled(W, 0.5, matrixOf(W)), float32([2, 1, 2], [1.5, 3, 4.5, 6]));
});
