/**
 * Updates beside frozen projections.
 *
 * Gradients are summed in the order in which their parts were made, so that the order of operations here is part of every result.
 */
import * as tf from "@tensorflow/tfjs";
import { partsOf } from "./family.ts";
import type { AdaptedModule, Hooks, Scope } from "./method.ts";

type Tensor = tf.Tensor;

/**
 * A hook `linear` that projects as the backbone does and joins an update to each adapted projection: first what all updates share,
 * then module by module the projection, its update, and both joined.
 *
 * @param affine a module's projection of an input [N, in], [N, out]
 * @param read what the adapted modules among those of a call share of their input; gives the update of each by its place
 * @param join of a projection [N, out] and its update
 */
export function beside(
  sites: readonly AdaptedModule[],
  affine: Scope["affine"],
  read: (mine: readonly string[], x: Tensor) => (place: number) => Tensor,
  join: (h: Tensor, update: Tensor) => Tensor = tf.add,
): NonNullable<Hooks["linear"]> {
  const adapted = new Set(sites.map(({ module }) => module));
  return (modules, x) => {
    const mine = modules.filter((module) => adapted.has(module));
    if (mine.length === 0) return undefined;
    const update = read(mine, x);
    return modules.map((module) => {
      const h = affine(module, x), place = mine.indexOf(module);
      return place < 0 ? h : join(h, update(place));
    });
  };
}

/**
 * One input through several matrices in one product: each is far too narrow to keep a processor busy.
 *
 * @param x [N, in]
 * @param matrices one below the other, [sum of r, in]
 * @param parts how many matrices of equal r, or the r of each
 * @returns [N, r] each
 */
export function throughAll(x: Tensor, matrices: Tensor, parts: number | number[]): Tensor[] {
  return partsOf(tf.matMul(x, matrices, false, true), parts, 1);
}
