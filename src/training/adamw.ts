/** AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) in PyTorch's order of operations, as a pure update. */
import * as tf from "@tensorflow/tfjs";

type Tensor = tf.Tensor;

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export const ADAMW_DEFAULTS: AdamWOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** A parameter vector with its first and second moments. */
export interface Moments {
  readonly p: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
}

/** Numbers of one step that the host works out in double precision. */
export interface StepSizes {
  /** 1 - lr * weight decay. */
  readonly keep: number;
  /** lr / (1 - beta1^t). */
  readonly rate: number;
  /** sqrt(1 - beta2^t). */
  readonly root: number;
}

/** @param step counted from 1 */
export function stepSizes(lr: number, weightDecay: number, step: number, { beta1, beta2 }: AdamWOptions): StepSizes {
  return { keep: 1 - lr * weightDecay, rate: lr / (1 - power(beta1, step)), root: Math.sqrt(1 - power(beta2, step)) };
}

/** x^n by squaring: exact multiplications only, so the same on every machine. */
function power(x: number, n: number): number {
  let result = 1;
  for (; n > 0; n = Math.floor(n / 2), x *= x) if (n % 2 === 1) result *= x;
  return result;
}

/** One step of one group. The sizes are scalar tensors, so that one traced step serves a whole schedule. */
export function adamw(
  { p, m, v }: Moments,
  g: Tensor,
  sizes: Record<keyof StepSizes, Tensor>,
  options: AdamWOptions,
): Moments {
  const first = tf.add(tf.mul(m, options.beta1), tf.mul(g, 1 - options.beta1));
  const second = tf.add(tf.mul(v, options.beta2), tf.mul(tf.mul(g, g), 1 - options.beta2));
  const denominator = tf.add(tf.div(tf.sqrt(second), sizes.root), options.epsilon);
  const next = tf.sub(tf.mul(p, sizes.keep), tf.mul(tf.div(first, denominator), sizes.rate));
  return { p: next, m: first, v: second };
}

/**
 * Scales gradients so that their common norm is at most `maxNorm`, as torch's clip_grad_norm_ does.
 * @returns the scaled gradients, and their norm as it was
 */
export function clipByGlobalNorm(
  gradients: readonly Tensor[],
  maxNorm: number,
): { readonly clipped: Tensor[]; readonly norm: Tensor } {
  const squares = gradients.map((g) => tf.sum(tf.mul(g, g)));
  const norm = tf.sqrt(squares.reduce((a, b) => tf.add(a, b)));
  const scale = tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1);
  return { clipped: gradients.map((g) => tf.mul(g, scale)), norm };
}
