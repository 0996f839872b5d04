/** Functions that are simpler than they look for some of their arguments, which only the running graph can tell. */
import * as tf from "@tensorflow/tfjs";
import { TRACE } from "./tracer.ts";

type Tensor = tf.Tensor;

/** Tensors by name; one name is taken. */
type Named = Record<string, Tensor> & { readonly applies?: never };

export interface Ways<Given extends Named> {
  /** What both compute, where the shortcut applies. */
  readonly quick: (given: Given) => Tensor[];
  /** What is computed in any case. */
  readonly general: (given: Given) => Tensor[];
}

/**
 * Computes `general`, or on `native` `quick` in the runs that find that it may. On other engines it is always `general`. (For use
 * inside a custom gradient: it has none of its own.)
 * @param applies one bool
 * @param given all that either way reads
 */
export function shortcut<Given extends Named>(
  applies: Tensor,
  given: Given,
  ways: Ways<Given>,
): Tensor[] {
  if (tf.getBackend() !== TRACE) return ways.general(given);
  return tf.engine().runKernel("Shortcut", { applies, ...given }, ways as unknown as tf.NamedAttrMap) as Tensor[];
}
