/** The few statistics of the benchmarks. */

/** The middle value; the mean of the two in the middle where there is none. @throws RangeError for no values */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("The median of no values does not exist");
  const sorted = values.toSorted((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The value below which a share of the values lies, between neighbours in proportion. @throws RangeError for no values */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError("A quantile of no values does not exist");
  const sorted = values.toSorted((a, b) => a - b), place = share * (sorted.length - 1), below = Math.floor(place);
  return sorted[below]! + (place - below) * (sorted[Math.ceil(place)]! - sorted[below]!);
}

/** The slope of log y over log x by least squares: the exponent of y ~ x^slope. @throws RangeError without two distinct x */
export function logSlope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const logs = points.map(({ x, y }) => [Math.log(x), Math.log(y)] as const), n = logs.length;
  const meanX = logs.reduce((sum, [x]) => sum + x, 0) / n, meanY = logs.reduce((sum, [, y]) => sum + y, 0) / n;
  const spread = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (!(spread > 0)) throw new RangeError("A slope needs points at two places");
  return logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
}

/** How often something was measured, in words: the least of several counts. @param unit one of it, as `round` */
export function timesInWords(counts: readonly number[], unit: string): string {
  const least = Math.min(...counts);
  return `${least} ${unit}${least === 1 ? "" : "s"}${Math.max(...counts) > least ? " or more" : ""}`;
}

/** Rounds to so many decimals, for numbers that are written to files. */
export function rounded(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
