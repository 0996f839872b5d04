/** How far numbers are from what is expected, and whether that is near enough. */
import type { Tolerance } from "./fixture.ts";

export interface Deviation {
  /** The largest |got - expected|. Infinity where only one of the two is NaN, or they are different infinities. */
  readonly maxAbs: number;
  /** The largest |got - expected| / |expected|, elements whose expected value is 0 left out. */
  readonly maxRel: number;
  /** The first element out of tolerance; undefined if all are near enough. */
  readonly outside: number | undefined;
}

export const NO_DEVIATION: Deviation = { maxAbs: 0, maxRel: 0, outside: undefined };

/** Both deviations as one. */
export function worse(a: Deviation, b: Deviation): Deviation {
  return {
    maxAbs: Math.max(a.maxAbs, b.maxAbs),
    maxRel: Math.max(a.maxRel, b.maxRel),
    outside: a.outside ?? b.outside,
  };
}

/**
 * Compares numbers pairwise. NaN is near NaN alone, an infinity near itself alone. By tolerance:
 *
 * - `abs`, `rel`: |got - expected| <= abs + rel |expected|, for each element;
 * - with a `rule` of "max-norm": max |got - expected| <= abs + rel max |expected|, as suits gradients, whose small
 *   elements are differences of large ones. `maxRel` is then relative to that maximum, too;
 * - `exact`: every element is the same number.
 *
 * @param where leaves out the elements whose flag is 0
 * @throws RangeError if the lengths differ
 */
export function compare(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
  where?: ArrayLike<number>,
): Deviation {
  if (got.length !== expected.length || (where !== undefined && where.length !== expected.length)) {
    throw new RangeError(`Cannot compare ${got.length} numbers with ${expected.length} under ${where?.length} flags`);
  }
  const { abs, rel } = tolerance === "exact" ? { abs: 0, rel: 0 } : tolerance;
  const maxNorm = tolerance !== "exact" && tolerance.rule !== undefined;
  const counts = (i: number) => where === undefined || where[i] !== 0;
  let norm = 0;
  if (maxNorm) {
    for (let i = 0; i < expected.length; i++) if (counts(i)) norm = Math.max(norm, Math.abs(expected[i]!));
  }
  let maxAbs = 0, maxRel = 0, outside: number | undefined;
  for (let i = 0; i < expected.length; i++) {
    if (!counts(i)) continue;
    const distance = difference(got[i]!, expected[i]!), scale = maxNorm ? norm : Math.abs(expected[i]!);
    if (distance === 0) continue;
    maxAbs = Math.max(maxAbs, distance);
    if (scale !== 0) maxRel = Math.max(maxRel, Number.isFinite(scale) ? distance / scale : Infinity);
    // Written so that a NaN on the right-hand side is a failure.
    if (!(distance <= abs + rel * scale) || distance === Infinity) outside ??= i;
  }
  return { maxAbs, maxRel, outside };
}

function difference(got: number, expected: number): number {
  if (got === expected || (Number.isNaN(got) && Number.isNaN(expected))) return 0;
  const distance = Math.abs(got - expected);
  return Number.isNaN(distance) ? Infinity : distance;
}
