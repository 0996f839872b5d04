import assert from "node:assert/strict";
import fc from "fast-check";
import { cholesky, solveRow, timesLower } from "./cholesky.ts";
import { float32 } from "./host_tensor.ts";

const factors = fc.integer({ min: 1, max: 6 }).chain((n) =>
  fc.array(fc.integer({ min: -3, max: 3 }), { minLength: n * n, maxLength: n * n }).map((X) => ({ n, X }))
);

Deno.test("cholesky() is a root of X^T X + damping I, rank-deficient X included", () => {
  fc.assert(fc.property(factors, ({ n, X }) => {
    const gram = Array.from({ length: n * n }, (_, at) => {
      const i = Math.floor(at / n), j = at % n;
      return Array.from({ length: n }, (_, k) => X[k * n + i]! * X[k * n + j]!).reduce((a, b) => a + b, 0);
    });
    const L = cholesky(float32([n, n], gram), 0.5);
    gram.forEach((g, at) => {
      const i = Math.floor(at / n), j = at % n;
      const product = L[i]!.reduce((sum, x, k) => sum + x * (L[j]![k] ?? 0), 0);
      assert.ok(Math.abs(product - g - (i === j ? 0.5 : 0)) < 1e-9);
    });
    const v = Float64Array.from({ length: n }, (_, i) => i - 1.5), back = timesLower(solveRow(L, v), L);
    v.forEach((x, i) => assert.ok(Math.abs(back[i]! - x) < 1e-9));
  }));
});

Deno.test("cholesky() refuses a matrix with a negative eigenvalue", () => {
  assert.throws(() => cholesky(float32([2, 2], [1, 2, 2, 1]), 0.1), /not positive definite at row 1/);
});
