/**
 * The residual quantizer of Bayesian Bits (van Baalen et al. 2020, arXiv 2005.07093, eq. 1-6), on stacks of tensors.
 *
 * The paper adds gated residuals, x2 + z4 (e4 + z8 (e8 + ...)). Because every grid divides the one before it (s2 = 5 s4,
 * s4 = 17 s8, ...), x2 + e4 is x rounded to the grid of s4, and so on: the sum is a mixture of plain roundings, weighted by
 * differences of the nested gates. They part company only where x lies exactly half-way between two points of a fine grid.
 *
 * With straight-through rounding the gradient has a closed form. With y the output, dy its gradient and dx = dy inside the
 * range, 0 outside: d/dweight_k = <dy, Q_k(x)> and d/ds2 = (<dy, y> - <dx, x>) / s2, since every level's step is a fixed
 * share of s2 and the clipped range is a fixed multiple of it.
 */
import * as tf from "@tensorflow/tfjs";

type Tensor = tf.Tensor;

/** s2 / s_k for k = 2, 4, 8, 16, 32: (2^k - 1) / 3. */
export const STEP_RATIOS = [1, 5, 85, 21845, 1431655765] as const;

export interface QuantizeOptions {
  /** Whether the range is [-b, b] (the default) or [0, b]. */
  readonly signed?: boolean;
  /** Whether inputs are limited to the range first (the default). */
  readonly clip?: boolean;
}

/**
 * How far into the range its ends are taken to lie. The ends of a signed range are half-way points of every grid, where
 * rounding to even would leave the range, as far as to 2 s2 for an end of 1.5 s2. The margin is wider than what float32 loses
 * in the three operations before the rounding (2^-24 each), and narrower than a step of the grid for 16 bits.
 */
const WITHIN = 1 - 2 ** -20;

/** b / s2, from s2 = (b - a) / 3. */
export const rangeOverStep = (signed: boolean): number => signed ? 1.5 : 3;

/**
 * Quantizes each tensor of a stack with its own step and its own mixture of bit widths.
 * @param x [G, ...]
 * @param s2 [G], the 2-bit step of each tensor
 * @param weights [G, 5], from `levelWeights`
 * @returns as x
 */
export function quantize(
  x: Tensor,
  s2: Tensor,
  weights: Tensor,
  { signed = true, clip = true }: QuantizeOptions = {},
): Tensor {
  const groups = x.shape[0]!, reach = rangeOverStep(signed);
  const apply = tf.customGrad((...args) => {
    const [x, s2, weights, save] = args as unknown as [Tensor, Tensor, Tensor, tf.GradSaveFunc]; // x: [G, 1, N]
    const step = tf.reshape(s2, [groups, 1, 1]);
    const top = tf.mul(step, reach * WITHIN), bottom = signed ? tf.neg(top) : tf.zerosLike(top);
    const limited = clip ? tf.minimum(tf.maximum(x, bottom), top) : x;
    const perStep = tf.div(tf.tensor(STEP_RATIOS as unknown as number[], [1, 5, 1]), step); // [G, 5, 1]
    const levels = tf.round(tf.mul(limited, perStep)); // [G, 5, N]
    const mixture = tf.div(tf.reshape(weights, [groups, 5, 1]), perStep); // weight_k s_k
    const y = tf.matMul(mixture, levels, true, false); // [G, 1, N]
    save([x, limited, levels, perStep, mixture, step]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const [x, limited, levels, perStep, mixture, step] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
      const dx = clip ? tf.mul(dy, tf.cast(tf.equal(x, limited), "float32")) : dy;
      const onLevels = tf.matMul(levels, dy, false, true); // [G, 5, 1]: <dy, Q_k> / s_k
      const withOutput = tf.sum(tf.mul(mixture, onLevels), 1, true), withInput = tf.matMul(dx, x, false, true);
      const dStep = tf.div(tf.sub(withOutput, withInput), step);
      return [dx, tf.reshape(dStep, [groups]), tf.reshape(tf.div(onLevels, perStep), [groups, 5])];
    };
    return { value: y, gradFunc };
  });
  return tf.reshape(apply(tf.reshape(x, [groups, 1, -1]), s2, weights), x.shape);
}
