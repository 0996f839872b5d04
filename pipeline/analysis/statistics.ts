/** Means that know how many values they stand for. */

/** Of the values, summed in the order given; null without values. */
export function mean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Sample standard deviation (n - 1); null for fewer than two values. */
export function standardDeviation(values: readonly number[]): number | null {
  const centre = mean(values);
  if (centre === null || values.length < 2) return null;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

/** The middle value, or the mean of the two middle ones. @throws RangeError without values */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  const upper = sorted[half], lower = sorted[half - 1];
  if (upper === undefined) throw new RangeError("The median of no values does not exist");
  return sorted.length % 2 === 1 || lower === undefined ? upper : (lower + upper) / 2;
}

/** An average exists only where every task has a score: methods are compared over the same tasks. */
export function overAll(values: readonly (number | null)[]): number | null {
  const present = values.filter((value) => value !== null);
  return present.length === values.length ? mean(present) : null;
}
