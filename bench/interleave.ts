/** The order of a comparison. */

export interface Turn<Side> {
  /** Counted from 1. */
  readonly round: number;
  readonly side: Side;
}

/** Every side once per round, back and forth, so that what drifts with time (heat, other load) meets all sides alike. */
export function interleave<Side>(sides: readonly Side[], rounds: number): Turn<Side>[] {
  return Array.from({ length: rounds }, (_, i) => i + 1)
    .flatMap((round) => (round % 2 ? sides : sides.toReversed()).map((side) => ({ round, side })));
}
