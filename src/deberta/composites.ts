/**
 * Operations that a compiled engine knows whole and an eager one computes from primitives: LayerNorm and GELU.
 * Their gradients are written by hand, because the chain rule over the primitives makes many more passes over memory.
 */
import * as tf from "@tensorflow/tfjs";
import { TRACE } from "../compile/tracer.ts";

type Tensor = tf.Tensor;

/** Runs a kernel registered for tracing, or the primitives on a backend that computes. */
function composite(
  kernel: string,
  inputs: tf.NamedTensorMap,
  attrs: tf.NamedAttrMap,
  primitives: () => Tensor[],
): Tensor[] {
  if (tf.getBackend() !== TRACE) return primitives();
  const result = tf.engine().runKernel(kernel, inputs, attrs) as Tensor | Tensor[];
  return Array.isArray(result) ? result : [result];
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
    const [y, mean, inverse] = composite("LayerNorm", { x, gamma, beta }, { epsilon }, () => {
      const mean = tf.mean(x, -1, true), centred = tf.sub(x, mean);
      const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
      return [tf.add(tf.mul(tf.mul(centred, inverse), gamma), beta), mean, inverse];
    }) as [Tensor, Tensor, Tensor];
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

const SQRT_HALF = Math.SQRT1_2, SQRT_TWO_PI = 2.5066282746310002;

/** GELU in its exact form, x Phi(x) (Hendrycks and Gimpel 2016). */
export function gelu(x: Tensor): Tensor {
  const distribution = (x: Tensor) => tf.mul(tf.add(tf.erf(tf.mul(x, SQRT_HALF)), 1), 0.5);
  const apply = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [Tensor, tf.GradSaveFunc];
    save([x]);
    const [value] = composite("Gelu", { x }, {}, () => [tf.mul(x, distribution(x))]) as [Tensor];
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const x = saved[0]!;
      const density = tf.div(tf.exp(tf.mul(tf.square(x), -0.5)), SQRT_TWO_PI);
      return tf.mul(dy, tf.add(distribution(x), tf.mul(x, density)));
    };
    return { value, gradFunc };
  });
  return apply(x);
}
