/**
 * LayerNorm and GELU with gradients written by hand, because the chain rule over primitives makes many more passes over memory.
 * LayerNorm is one operation of the compiled engines; the eager ones compute it from primitives.
 */
import * as tf from "@tensorflow/tfjs";
import { TRACE } from "../compile/tracer.ts";

type Tensor = tf.Tensor;

/** LayerNorm with the means and inverse standard deviations of the rows, which its gradient needs. */
function normalize(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): [Tensor, Tensor, Tensor] {
  const mean = tf.mean(x, -1, true), centred = tf.sub(x, mean);
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
  return [tf.add(tf.mul(tf.mul(centred, inverse), gamma), beta), mean, inverse];
}

/**
 * Layer normalization over the last axis (Ba et al. 2016).
 * @param x [N, D]
 * @param gamma [D]
 * @param beta [D]
 */
export function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor {
  const apply = tf.customGrad((...args) => {
    const [x, gamma, beta, save] = args as unknown as [Tensor, Tensor, Tensor, tf.GradSaveFunc];
    const whole = tf.getBackend() === TRACE;
    const [y, mean, inverse] = whole
      ? tf.engine().runKernel("LayerNorm", { x, gamma, beta }, { epsilon }) as unknown as [Tensor, Tensor, Tensor]
      : normalize(x, gamma, beta, epsilon);
    save([x, gamma, mean, inverse]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const [x, gamma, mean, inverse] = saved as [Tensor, Tensor, Tensor, Tensor];
      const normed = tf.mul(tf.sub(x, mean), inverse), dn = tf.mul(dy, gamma);
      const along = tf.mean(tf.mul(dn, normed), -1, true);
      const dx = tf.mul(inverse, tf.sub(tf.sub(dn, tf.mean(dn, -1, true)), tf.mul(normed, along)));
      return [dx, tf.sum(tf.mul(dy, normed), 0), tf.sum(dy, 0)];
    };
    return { value: y, gradFunc };
  });
  return apply(x, gamma, beta);
}

const SQRT_HALF = Math.SQRT1_2, LOG_TWO_OVER_SQRT_PI = Math.log(2 / Math.sqrt(Math.PI));

/**
 * GELU in its exact form, x Phi(x) (Hendrycks and Gimpel 2016), whose slope is Phi(x) + x phi(x).
 *
 * In units of sqrt 2, t = x / sqrt 2, it is sqrt(1/2) t (1 + erf t), and the slope (1 + erf t + t 2 / sqrt(pi) exp(-t^2)) / 2:
 * what multiplies as a whole goes into the matrix products before and after.
 */
export function gelu(x: Tensor): Tensor {
  const apply = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [Tensor, tf.GradSaveFunc];
    const t = tf.mul(x, SQRT_HALF), distribution = tf.add(tf.erf(t), 1);
    save([t, distribution]);
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const [t, distribution] = saved as [Tensor, Tensor];
      const density = tf.exp(tf.sub(LOG_TWO_OVER_SQRT_PI, tf.square(t)));
      return tf.mul(tf.mul(dy, 0.5), tf.add(distribution, tf.mul(t, density)));
    };
    return { value: tf.mul(tf.mul(t, distribution), SQRT_HALF), gradFunc };
  });
  return apply(x);
}
