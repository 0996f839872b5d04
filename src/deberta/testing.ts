/** Batches as tensors of TensorFlow.js, for tests that run the model directly. */
import * as tf from "@tensorflow/tfjs";
import { float32, int32 } from "../tensor/host_tensor.ts";
import { type Tokens, tokensOf } from "./encoder.ts";
import { packedRows, packTokens } from "./packing.ts";

/**
 * Lays texts out in rows.
 * @param texts ids of each, all of one length
 * @param mask 1 for a token and 0 for padding; no padding if not given
 * @param packed whether padding is left out
 */
export function tokensFrom(
  texts: readonly number[][],
  mask = texts.map((text) => text.map(() => 1)),
  packed = false,
): Tokens {
  const shape = [texts.length, texts[0]!.length], places = float32(shape, mask.flat());
  const laid = packTokens(int32(shape, texts.flat()), places, packed ? packedRows(places) : undefined);
  const tensors = Object.entries(laid).map(([name, { data, shape, dtype }]) => {
    return [name, tf.tensor(data, shape.slice(), dtype)] as const;
  });
  return tokensOf(Object.fromEntries(tensors));
}
