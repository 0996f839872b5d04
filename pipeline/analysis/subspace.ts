/**
 * A weight W seen through r singular directions: ||U^T W V||_F (Hu et al. 2022, arXiv 2106.09685, section 7.3).
 *
 * With the directions of W itself it is the most that r directions can hold of W; with those of an update it says how much of
 * W already points where the update points.
 */
import type { Stream } from "../../src/random/stream.ts";
import { addScaled, matrixOf, product } from "../../src/tensor/matrix.ts";
import { float32, type HostTensor, sizeOf } from "../../src/tensor/host_tensor.ts";
import { type Triplets, truncatedSvd } from "../../src/tensor/svd.ts";
import type { SubspaceRow } from "../results.ts";

/**
 * Compares W with its update scale B A.
 * @param W [out, in]
 * @param A [r, in]
 * @param B [out, r]
 * @param stream of the random directions
 */
export function compareSubspaces(
  W: HostTensor,
  { A, B, scale }: { readonly A: HostTensor; readonly B: HostTensor; readonly scale: number },
  stream: Stream,
): Omit<SubspaceRow, "layer" | "matrix"> {
  const rank = A.shape[0]!, update = addScaled(float32(W.shape), scale, product(matrixOf(B), matrixOf(A)));
  const noise = float32(W.shape, Float32Array.from({ length: sizeOf(W.shape) }, () => stream.normal()));
  const through = (directions: HostTensor) => projectedNorm(W, truncatedSvd(directions, rank));
  return {
    rank,
    update: through(update),
    weight: through(W),
    random: through(noise),
    weightNorm: norm(W.data),
    updateNorm: norm(update.data),
  };
}

/** ||U^T W V||_F for the left directions U and the right directions V. */
export function projectedNorm({ shape, data }: HostTensor, { left, right }: Pick<Triplets, "left" | "right">): number {
  const [rows, columns] = shape as [number, number], entries: number[] = [];
  for (const v of right) {
    const Wv = Float64Array.from({ length: rows }, (_, i) => {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += data[i * columns + j]! * v[j]!;
      return sum;
    });
    for (const u of left) entries.push(u.reduce((sum, x, i) => sum + x * Wv[i]!, 0));
  }
  return norm(entries);
}

function norm(numbers: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < numbers.length; i++) sum += numbers[i]! * numbers[i]!;
  return Math.sqrt(sum);
}
