/** Predictions of a trained model on whole splits. */
import type { HostTensor } from "../tensor/host_tensor.ts";
import type { Executable } from "../engines/engine.ts";
import { type EncodedExample, evaluationBatches, tokenFeeds } from "./batches.ts";

/** An evaluation program of one padded length, and how many rows it takes at once: a divisor of the batch. */
export interface Evaluator {
  readonly rows: number;
  readonly run: Executable["run"];
}

/**
 * Runs a split through evaluation programs, in batches of `size` rows of similar length.
 * @returns one class id per example, or one score for a regression model (`labels` = 1); in the order of the examples
 */
export async function predict(
  examples: readonly EncodedExample[],
  labels: number,
  { size, lengths, load }: { size: number; lengths: readonly number[]; load: (length: number) => Promise<Evaluator> },
): Promise<Float64Array> {
  const predictions = new Float64Array(examples.length);
  for (const { indices, length } of evaluationBatches(examples, size, lengths)) {
    const { rows, run } = await load(length);
    for (let start = 0; start < indices.length; start += rows) {
      const part = indices.slice(start, start + rows);
      const { logits } = await run(tokenFeeds(part.map((i) => examples[i]!.ids), rows, length));
      part.forEach((index, row) => predictions[index] = decide(logits!, row, labels));
    }
  }
  return predictions;
}

/** The class with the largest logit (the first of equals); NaN if a logit is not finite. */
function decide({ data }: HostTensor, row: number, labels: number): number {
  const values = data.subarray(row * labels, (row + 1) * labels);
  if (!values.every(Number.isFinite)) return NaN;
  return labels === 1 ? values[0]! : values.indexOf(Math.max(...values));
}

/** Whether a model answers one thing whatever it is asked. */
export function isConstant(predictions: ArrayLike<number>): boolean {
  const values = Array.from(predictions), spread = Math.max(...values) - Math.min(...values);
  return values.length > 1 && spread < 1e-4;
}
