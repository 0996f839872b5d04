/** The Cholesky factor of a Gram matrix, from + - * / and square roots alone, each sum in a fixed order. */
import type { HostTensor } from "./host_tensor.ts";

/** A lower triangular matrix by rows, row i with i + 1 numbers. */
export type Lower = readonly Float64Array[];

/**
 * The L with L L^T = G + damping I.
 * @param G [n, n], symmetric with no negative eigenvalue but for rounding; its lower half is read
 * @param damping positive, larger than the rounding errors of G
 * @throws RangeError if the sum is not positive definite
 */
export function cholesky({ shape, data }: HostTensor, damping: number): Lower {
  const n = shape[0]!, L: Float64Array[] = [];
  for (let i = 0; i < n; i++) {
    const row = new Float64Array(i + 1);
    for (let j = 0; j <= i; j++) {
      let rest = data[i * n + j]! + (i === j ? damping : 0);
      const other = L[j] ?? row;
      for (let k = 0; k < j; k++) rest -= row[k]! * other[k]!;
      if (i === j && !(rest > 0)) throw new RangeError(`A matrix [${shape}] is not positive definite at row ${i}`);
      row[j] = i === j ? Math.sqrt(rest) : rest / L[j]![j]!;
    }
    L.push(row);
  }
  return L;
}

/** The x with x L = v, for a row v [n]. */
export function solveRow(L: Lower, v: ArrayLike<number>): Float64Array {
  const x = new Float64Array(L.length);
  for (let j = L.length - 1; j >= 0; j--) {
    let rest = v[j]!;
    for (let i = j + 1; i < L.length; i++) rest -= x[i]! * L[i]![j]!;
    x[j] = rest / L[j]![j]!;
  }
  return x;
}

/** v L, for a row v [n]. */
export function timesLower(v: ArrayLike<number>, L: Lower): Float64Array {
  const product = new Float64Array(L.length);
  for (let i = 0; i < L.length; i++) {
    const row = L[i]!, x = v[i]!;
    for (let j = 0; j <= i; j++) product[j]! += x * row[j]!;
  }
  return product;
}
