/**
 * Hard-concrete gates (Louizos et al. 2018, arXiv 1712.01312) and the ladder of bit widths they open
 * (van Baalen et al. 2020, arXiv 2005.07093).
 *
 * Logits phi come in stacks [Q, 4], one row per quantizer, for the steps to 4, 8, 16 and 32 bits. Whole stacks are handled
 * at once: a model has dozens of quantizers, and a handful of operations serves them all.
 */
import * as tf from "@tensorflow/tfjs";

type Tensor = tf.Tensor;

/** Temperature and stretch interval of the hard concrete distribution. */
export const BETA = 2 / 3, ZETA = 1.1, GAMMA = -0.1;
/** beta log(-gamma / zeta): the logit at which a stretched sample is as likely above zero as not. */
const SHIFT = BETA * -2.3978952727983707;
/**
 * A test-time gate is on when its logit is above this. The published rule, sigmoid(SHIFT - phi) < 0.34, is solved for
 * phi, giving SHIFT - ln(0.34 / 0.66): engines differ in the last bit of a sigmoid, and a gate must not depend on that.
 */
export const OPEN_ABOVE = Math.fround(SHIFT + 0.6632942174102642);
/** A gate whose logit has sunk to this is closed for good, and all above it. */
const CLOSED = -2;
/** Bit widths a quantizer can reach: the first needs no gate. */
export const BIT_WIDTHS = [2, 4, 8, 16, 32] as const;

/**
 * Samples of the hard concrete distribution, with a gradient to the logits where they are not clipped.
 * @param phi logits, any shape
 * @param u uniform numbers of (0, 1), same shape
 */
export function sampleGates(phi: Tensor, u: Tensor): Tensor {
  const logistic = tf.sub(tf.log(u), tf.log(tf.sub(1, u)));
  const s = tf.sigmoid(tf.div(tf.add(logistic, phi), BETA));
  return tf.clipByValue(tf.add(tf.mul(s, ZETA - GAMMA), GAMMA), 0, 1);
}

/** P(z > 0), the probability that the penalty counts. */
export function probabilityOn(phi: Tensor): Tensor {
  return tf.sigmoid(tf.sub(phi, SHIFT));
}

/** A function whose derivative is zero wherever it has one. */
function discrete(phi: Tensor, decide: (phi: Tensor) => Tensor): Tensor {
  return tf.customGrad((x) => ({ value: decide(x as Tensor), gradFunc: () => tf.zeros(phi.shape) }))(phi);
}

/** The gates to evaluate with: 0 or 1. */
export function testGates(phi: Tensor): Tensor {
  return discrete(phi, (x) => tf.cast(tf.greater(x, OPEN_ABOVE), "float32"));
}

/** 1 for gates that may open, 0 from the first closed one upwards. @param phi [Q, K] @returns [Q, K] */
export function ladder(phi: Tensor): Tensor {
  const steps = Array.from({ length: phi.shape.at(-1)! }, (_, i) => i);
  return discrete(phi, (x) => {
    const closed = tf.cast(tf.lessEqual(x, CLOSED), "float32");
    const upTo = tf.tensor2d(steps.map((i) => steps.map((j) => i <= j ? 1 : 0)));
    return tf.cast(tf.less(tf.matMul(closed, upTo), 0.5), "float32");
  });
}

/** Products of the leading gates: [z1, z1 z2, ...] along the last axis. @param z [Q, K] @returns [Q, K] */
export function nested(z: Tensor): Tensor {
  // TensorFlow.js has no gradient for a split into one.
  if (z.shape.at(-1) === 1) return z;
  const columns = tf.split(z, z.shape.at(-1)!, -1);
  const products = columns.slice(0, 1);
  for (const column of columns.slice(1)) products.push(tf.mul(products.at(-1)!, column));
  return tf.concat(products, -1);
}

/**
 * How much of each bit width's grid goes into a quantizer's output: with n the nested gates, [1 - n4, n4 - n8, ..., n32].
 * @param gates [Q, 4]
 * @returns [Q, 5], rows that sum to 1
 */
export function levelWeights(gates: Tensor): Tensor {
  const n = nested(gates), rows = n.shape[0]!;
  return tf.sub(tf.concat([tf.ones([rows, 1]), n], 1), tf.concat([n, tf.zeros([rows, 1])], 1));
}

/**
 * The bit term of each quantizer: q4 + q4 q8 + q4 q8 q16 + q4 q8 q16 q32.
 * @param phi [Q, 4]
 * @param weighByBits multiplies the summands by 4, 8, 16, 32 (the `bops` weighting)
 * @returns [Q]
 */
export function bitTerm(phi: Tensor, weighByBits = false): Tensor {
  const terms = nested(probabilityOn(phi));
  return tf.sum(weighByBits ? tf.mul(terms, tf.tensor1d(BIT_WIDTHS.slice(1))) : terms, -1);
}

/**
 * The rank mask [1, round(g_1), ..., round(g_{r-1})] of nested gates g, with a straight-through gradient.
 * @param gates [Q, r - 1]
 * @returns [Q, r]
 */
export function rankMask(gates: Tensor): Tensor {
  const rows = gates.shape[0]!, one = tf.ones([rows, 1]);
  if (gates.shape[1] === 0) return one;
  return tf.concat([one, roundThrough(nested(gates))], 1);
}

const roundThrough = tf.customGrad((x) => ({ value: tf.round(x as Tensor), gradFunc: (dy: Tensor) => dy }));

/** The bit width that a row of 0/1 gates stands for: 2^(1 + z4 + z4 z8 + ...). */
export function bitsOf(gates: ArrayLike<number>): number {
  let width = 0;
  while (width < 4 && gates[width] === 1) width++;
  return BIT_WIDTHS[width]!;
}

/** Test-time gates of logits outside any engine. @param phi one quantizer's row, or one matrix's rank logits */
export function hostTestGates(phi: ArrayLike<number>, withLadder: boolean): number[] {
  let open = true;
  return Array.from(phi, (logit) => {
    if (withLadder && logit <= CLOSED) open = false;
    return open && logit > OPEN_ABOVE ? 1 : 0;
  });
}
