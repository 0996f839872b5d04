/**
 * Elementary functions from + - * / alone, which IEEE 754 fixes to the last bit: the same numbers on every machine, where
 * `Math.exp` and `Math.sin` need not give them. (`exactLog` stands with the random streams.)
 */

/** e^x by its power series at x / 2^k, squared k times. @throws RangeError if x is not finite */
export function exactExp(x: number): number {
  if (!Number.isFinite(x)) throw new RangeError(`exactExp: "${x}" is not a finite number`);
  let halvings = 0;
  while (Math.abs(x) > 0.25) x /= 2, halvings++;
  // Horner's scheme for sum x^k / k!; the term after the last one is below 1e-20.
  let value = 1;
  for (let k = 14; k >= 1; k--) value = 1 + x * value / k;
  for (; halvings > 0; halvings--) value *= value;
  return value;
}

/**
 * Cosine and sine of an angle by their power series at x / 2^k, the angle doubled k times.
 * @param x radians, a moderate number (the error grows with it)
 * @throws RangeError if x is not finite
 */
export function exactCosSin(x: number): { readonly cos: number; readonly sin: number } {
  if (!Number.isFinite(x)) throw new RangeError(`exactCosSin: "${x}" is not a finite number`);
  let halvings = 0;
  while (Math.abs(x) > 0.25) x /= 2, halvings++;
  // 1 - cos, not cos, so that nothing cancels while doubling.
  let sin = 1, versine = 1;
  for (let k = 13; k >= 3; k -= 2) sin = 1 - x * x * sin / (k * (k - 1));
  for (let k = 14; k >= 4; k -= 2) versine = 1 - x * x * versine / (k * (k - 1));
  sin *= x;
  versine *= x * x / 2;
  for (; halvings > 0; halvings--) {
    const cos = 1 - versine;
    versine = 2 * sin * sin;
    sin = 2 * sin * cos;
  }
  return { cos: 1 - versine, sin };
}
