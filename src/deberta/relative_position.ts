/** DeBERTa's log-bucketed relative positions: near tokens are told apart exactly, far ones ever more coarsely. */
import { exactLog } from "../random/stream.ts";

/**
 * The bucket of one relative position.
 *
 * With m = buckets / 2 and d = |offset|: d itself up to m, and beyond it
 * `ceil(ln(d / m) / ln((maxPosition - 1) / m) * (m - 1)) + m`, with the sign of the offset.
 *
 * transformers computes this in float32, where `ceil` can land one bucket higher than in exact arithmetic, so every
 * intermediate value is rounded as it is there. Reference: `make_log_bucket_position` of transformers 4.57.
 *
 * @param offset position of the query minus position of the key
 * @param buckets how many buckets there are for both directions (256 in DeBERTaV3)
 * @param maxPosition the distance at which the last bucket begins (512 in DeBERTaV3)
 * @throws RangeError if there is no room for buckets: buckets below 2, or maxPosition - 1 not above buckets / 2
 */
export function logBucket(offset: number, buckets: number, maxPosition: number): number {
  const middle = Math.floor(buckets / 2), distance = Math.abs(offset);
  if (!(middle >= 1 && maxPosition - 1 > middle)) {
    throw new RangeError(
      `Cannot sort positions up to "${maxPosition}" into "${buckets}" buckets: expected 2 buckets or more, and room beyond half of them`,
    );
  }
  if (distance <= middle) return offset;
  const log = (x: number) => Math.fround(exactLog(Math.fround(x)));
  const ratio = Math.fround(log(distance / middle) / log((maxPosition - 1) / middle));
  return Math.sign(offset) * (Math.ceil(Math.fround(ratio * (middle - 1))) + middle);
}

/**
 * The buckets of all relative positions of a text, by offset: element `i` is the bucket of `query - key = i - (length - 1)`.
 *
 * @returns 2 * length - 1 buckets
 */
export function relativeBuckets(length: number, buckets: number, maxPosition: number): Int32Array {
  return Int32Array.from({ length: 2 * length - 1 }, (_, i) => logBucket(i - (length - 1), buckets, maxPosition));
}
