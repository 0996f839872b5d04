/** The largest divisor of a number that is a power of two and at most `most`, which is one itself. */
export function powerOfTwoDivisor(n: number, most: number): number {
  let power = 1;
  while (power < most && n % (2 * power) === 0) power *= 2;
  return power;
}
