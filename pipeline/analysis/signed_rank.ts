/**
 * Wilcoxon's signed-rank test for paired differences, exact for any number of pairs and with ties.
 *
 * Reference: Wilcoxon 1945, Individual Comparisons by Ranking Methods. Zeros are dropped; tied sizes share the mean of their
 * ranks, and the distribution is that of the ranks as they are, so that it is exact with ties as well.
 */

export interface SignedRank {
  /** Differences other than zero. */
  readonly pairs: number;
  /** Probability of ranks at least as much in favour of positive differences, if each sign were a fair coin. */
  readonly pPositive: number;
  /** The same for negative ones. */
  readonly pNegative: number;
}

/** Sizes that differ by less than this are ties: they come from different orders of summation. */
const RESOLUTION = 1e-12;

/** Tests whether paired differences lie above zero, and whether they lie below. */
export function signedRank(differences: readonly number[]): SignedRank {
  const some = differences.filter((d) => Math.abs(d) > RESOLUTION);
  const ranks = doubledRanks(some.map(Math.abs)), total = ranks.reduce((a, b) => a + b, 0);
  const observed = ranks.reduce((sum, rank, i) => some[i]! > 0 ? sum + rank : sum, 0);
  // chance[s]: probability that the doubled ranks of the positive differences add up to s.
  let chance = new Float64Array(total + 1);
  chance[0] = 1;
  for (const rank of ranks) {
    const next = new Float64Array(total + 1);
    for (let s = 0; s <= total; s++) next[s] = (chance[s]! + (s >= rank ? chance[s - rank]! : 0)) / 2;
    chance = next;
  }
  const sum = (from: number, to: number) => chance.subarray(from, to).reduce((a, b) => a + b, 0);
  return { pairs: some.length, pPositive: sum(observed, total + 1), pNegative: sum(0, observed + 1) };
}

/** Twice the mean rank of each size, which is whole even for ties. */
function doubledRanks(sizes: readonly number[]): number[] {
  const order = sizes.map((_, i) => i).sort((a, b) => sizes[a]! - sizes[b]!), ranks = new Array<number>(sizes.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && sizes[order[to]!]! - sizes[order[to - 1]!]! <= RESOLUTION) to++;
    for (let i = from; i < to; i++) ranks[order[i]!] = from + 1 + to;
    from = to;
  }
  return ranks;
}
