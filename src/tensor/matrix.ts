/** Matrices on the host, in double precision: what merging an update into a weight needs. */
import { float32, type HostTensor, sizeOf } from "./host_tensor.ts";

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Row by row. */
  readonly data: ArrayLike<number>;
}

/** A tensor as a matrix: its last axis is the columns. */
export function matrixOf({ shape, data }: HostTensor): Matrix {
  const columns = shape.at(-1)!;
  return { rows: sizeOf(shape) / columns, columns, data };
}

/**
 * A B, each element's sum in order.
 * @param terms of each sum: the first columns of A and rows of B, all of them unless said otherwise
 * @throws RangeError if the columns of A are not as many as the rows of B
 */
export function product(A: Matrix, B: Matrix, terms = A.columns): Matrix {
  if (A.columns !== B.rows) {
    throw new RangeError(`Cannot multiply a matrix [${A.rows}, ${A.columns}] by one of [${B.rows}, ${B.columns}]`);
  }
  const data = new Float64Array(A.rows * B.columns);
  for (let i = 0; i < A.rows; i++) {
    const out = data.subarray(i * B.columns, (i + 1) * B.columns);
    for (let k = 0; k < terms; k++) {
      const a = A.data[i * A.columns + k]!, from = k * B.columns;
      for (let j = 0; j < B.columns; j++) out[j] = out[j]! + a * B.data[from + j]!;
    }
  }
  return { rows: A.rows, columns: B.columns, data };
}

/** W + scale U, rounded once to float32. */
export function addScaled(W: HostTensor, scale: number, update: Pick<Matrix, "data">): HostTensor {
  return float32(W.shape, Float32Array.from(W.data, (w, i) => w + scale * update.data[i]!));
}
