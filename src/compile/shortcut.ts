/** Functions that are simpler than they look for some of their arguments, which only the running graph can tell. */
import * as tf from "@tensorflow/tfjs";
import { TRACE } from "./tracer.ts";

type Tensor = tf.Tensor;

export interface Ways<Given extends Record<string, Tensor>> {
  /** What both compute, where the shortcut applies. */
  readonly quick: (given: Given) => Tensor[];
  /** What is computed in any case. */
  readonly general: (given: Given) => Tensor[];
}

/**
 * Computes `general`, or `quick` where a run finds that it may. Engines that compute at once, and would have to wait for the answer,
 * always compute `general`. (To be used inside a custom gradient: it has none of its own.)
 * @param applies one bool
 * @param given all that either way reads
 */
export function shortcut<Given extends Record<string, Tensor>>(
  applies: Tensor,
  given: Given,
  ways: Ways<Given>,
): Tensor[] {
  if (tf.getBackend() !== TRACE) return ways.general(given);
  return tf.engine().runKernel("Shortcut", { applies, ...given }, ways as unknown as tf.NamedAttrMap) as Tensor[];
}
