/**
 * The leading singular triplets of a matrix, with the same bits on every machine: from + - * / and square roots alone, each
 * sum in a fixed order.
 *
 * A basis V of rows is found in which W keeps its leading part, by block Krylov iteration (Musco and Musco 2015,
 * arXiv 1504.05477); for a narrow matrix that is every direction. One-sided Jacobi rotations (Hestenes 1958) of V then make the
 * rows of V W^T orthogonal: their lengths are the singular values, their directions the left vectors, V the right ones.
 */
import { Stream } from "../random/stream.ts";
import type { HostTensor } from "./host_tensor.ts";

/** The leading triplets of W [m, n], largest first: W = sum over i of values[i] left[i] right[i]^T + what is smaller. */
export interface Triplets {
  /** r vectors of length m, orthonormal (zero where the singular value is). */
  readonly left: readonly Float64Array[];
  readonly values: readonly number[];
  /** r orthonormal vectors of length n. */
  readonly right: readonly Float64Array[];
}

/** Up to this width every direction is taken, and the result is exact. */
const NARROW = 128;
/** Blocks of a Krylov basis, and how many directions more than asked for each one has. */
const DEPTH = 6, SPARE = 4;

/**
 * @param W [m, n]
 * @param rank how many triplets
 * @throws RangeError if W is no matrix or has not as many triplets
 */
export function truncatedSvd({ shape, data }: HostTensor, rank: number): Triplets {
  const [m, n] = shape as [number, number];
  if (shape.length !== 2 || !(Number.isInteger(rank) && rank >= 1 && rank <= Math.min(m, n))) {
    throw new RangeError(`Cannot take "${rank}" singular triplets of a tensor of shape [${shape}]`);
  }
  // The basis is sought on the narrower side.
  const tall = m >= n, narrow = tall ? n : m, wide = tall ? m : n;
  const rows = Array.from({ length: wide }, (_, i) => {
    return Float64Array.from({ length: narrow }, (_, j) => tall ? data[i * n + j]! : data[j * n + i]!);
  });
  const size = narrow <= NARROW ? narrow : Math.min(narrow, DEPTH * (rank + SPARE));
  const basis = size === narrow ? identity(narrow) : krylovBasis(rows, narrow, rank + SPARE, size);
  const images = basis.map((v) => Float64Array.from(rows, (row) => dot(row, v)));
  orthogonalize(images, basis);

  const lengths = images.map((image) => Math.sqrt(dot(image, image)));
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b).slice(0, rank);
  const largest = lengths[order[0]!]!;
  const values = order.map((i) => lengths[i]! > 1e-14 * largest ? lengths[i]! : 0);
  const outer = order.map((i, k) => values[k]! > 0 ? images[i]!.map((x) => x / values[k]!) : new Float64Array(wide));
  const inner = order.map((i) => basis[i]!);
  return tall ? { left: outer, values, right: inner } : { left: inner, values, right: outer };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function identity(n: number): Float64Array[] {
  return Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (_, j) => i === j ? 1 : 0));
}

/** An orthonormal basis of the span of X, X W^T W, X (W^T W)^2, ... for random rows X. */
function krylovBasis(rows: readonly Float64Array[], width: number, block: number, size: number): Float64Array[] {
  const stream = new Stream("singular vectors", width), basis: Float64Array[] = [];
  const random = () => Float64Array.from({ length: width }, () => stream.normal());
  let next = Array.from({ length: block }, random);
  while (basis.length < size) {
    const added = next.slice(0, size - basis.length).map((v) => {
      // What lies in the span already gives way to a new direction.
      while (!appendOrthonormal(basis, v)) v = random();
      return basis.at(-1)!;
    });
    next = added.map(() => new Float64Array(width));
    for (const row of rows) {
      added.forEach((v, k) => {
        const out = next[k]!, weight = dot(row, v);
        for (let j = 0; j < width; j++) out[j] = out[j]! + weight * row[j]!;
      });
    }
  }
  return basis;
}

/** Appends what of a vector is orthogonal to the basis, at length 1. @returns whether anything was left of it */
function appendOrthonormal(basis: Float64Array[], v: Float64Array): boolean {
  const before = Math.sqrt(dot(v, v));
  // The second pass takes away what rounding left in the first.
  for (let pass = 0; pass < 2; pass++) {
    for (const b of basis) {
      const share = dot(b, v);
      for (let i = 0; i < v.length; i++) v[i] = v[i]! - share * b[i]!;
    }
  }
  const length = Math.sqrt(dot(v, v));
  if (!(length > 1e-10 * before)) return false;
  basis.push(v.map((x) => x / length));
  return true;
}

/** Rotates pairs of images until all are orthogonal, and their originals alike. */
function orthogonalize(images: readonly Float64Array[], originals: readonly Float64Array[]): void {
  const total = images.reduce((sum, image) => sum + dot(image, image), 0);
  for (let sweep = 0, rotated = true; rotated && sweep < 60; sweep++) {
    rotated = false;
    for (let p = 0; p < images.length; p++) {
      for (let q = p + 1; q < images.length; q++) {
        const a = images[p]!, b = images[q]!, aa = dot(a, a), bb = dot(b, b), ab = dot(a, b);
        // The absolute part, for rows of zeros, lies far below the product of two rows as small as values are kept.
        if (Math.abs(ab) <= 1e-14 * Math.sqrt(aa * bb) + 1e-40 * total) continue;
        rotated = true;
        // The smaller angle whose rotation makes the product vanish.
        const ratio = (bb - aa) / (2 * ab);
        const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.sqrt(1 + ratio * ratio));
        const cos = 1 / Math.sqrt(1 + tangent * tangent), sin = cos * tangent;
        rotate(a, b, cos, sin);
        rotate(originals[p]!, originals[q]!, cos, sin);
      }
    }
  }
}

function rotate(a: Float64Array, b: Float64Array, cos: number, sin: number): void {
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!, y = b[i]!;
    a[i] = cos * x - sin * y;
    b[i] = sin * x + cos * y;
  }
}
