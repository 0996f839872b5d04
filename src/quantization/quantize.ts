/**
 * The residual quantizer of Bayesian Bits (van Baalen et al. 2020, arXiv 2005.07093, eq. 1-6), on stacks of tensors.
 *
 * The paper adds gated residuals, x2 + z4 (e4 + z8 (e8 + ...)). Because every grid divides the one before it (s2 = 5 s4,
 * s4 = 17 s8, ...), x2 + e4 is x rounded to the grid of s4, and so on: the sum is a mixture of plain roundings, weighted by
 * differences of the nested gates. They part company only where x lies exactly half-way between two points of a fine grid.
 *
 * With straight-through rounding the gradient has a closed form. With y the output, dy its gradient and dx = dy inside the
 * range, 0 outside: d/dweight_k = <dy, Q_k(x)> and d/ds2 = (<dy, y> - <dx, x>) / s2, since every level's step is a fixed
 * share of s2 and the clipped range is a fixed multiple of it. Of the latter, <dy, y> / s2 is what flows through the products
 * weight_k s_k, and -<dx, x> is the derivative to ln s2 that is left.
 */
import * as tf from "@tensorflow/tfjs";

type Tensor = tf.Tensor;

/** s2 / s_k for k = 2, 4, 8, 16, 32: (2^k - 1) / 3. */
export const STEP_RATIOS = [1, 5, 85, 21845, 1431655765] as const;

/** The grids that are computed. That for 32 bits is finer than float32: there rounding is the identity. */
const COARSE = STEP_RATIOS.slice(0, 4);

/**
 * Added and taken away again, 1.5 2^23 rounds a float32 below 2^22 to a whole number, half to even, in two additions, several
 * times faster than a rounding instruction applied to each number. Zero leaves the level for 32 bits as it is.
 */
const ROUNDING = [12582912, 12582912, 12582912, 12582912, 0];

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

/** Where a stack of quantizers stands, in the shapes that `quantizeWith` multiplies with. G quantizers. */
export interface Levels {
  /** ln s2, [G, 1, 1]. Takes the part of the gradient to the step that the input brings. */
  readonly logStep: Tensor;
  /** Where inputs are clipped, [G, 1, 1] each. */
  readonly bottom: Tensor;
  readonly top: Tensor;
  /** 1 / s_k, and 1 for 32 bits, [G, 5, 1]. */
  readonly perStep: Tensor;
  /** weight_k s_k, and weight_32, [G, 5, 1]. Takes the rest of the gradient to the step, and that to the weights. */
  readonly mixture: Tensor;
}

/**
 * Prepares quantizers, any number at once.
 * @param logStep [G], ln s2
 * @param weights [G, 5], from `levelWeights`
 */
export function levelsOf(logStep: Tensor, weights: Tensor, signed = true): Levels {
  const log = tf.reshape(logStep, [-1, 1, 1]), row = (values: number[]) => tf.tensor(values, [1, 5, 1]);
  const identity = row([0, 0, 0, 0, 1]), end = rangeOverStep(signed) * WITHIN;
  /** A function of s2 with the given gradient to its logarithm. */
  const ofStep = (f: (step: Tensor) => Tensor, gradient: (dy: Tensor, value: Tensor) => Tensor) =>
    tf.customGrad((...args) => {
      const [x, save] = args as unknown as [Tensor, tf.GradSaveFunc], value = f(tf.exp(x));
      save([value]);
      return { value, gradFunc: (dy: Tensor, [saved]: Tensor[]) => gradient(dy, saved!) };
    })(log);
  const none = () => tf.zeros(log.shape);
  // 32 bits have no step, but with the rest of the gradient, in quantizeWith(), the sum is right if they are treated alike.
  const steps = ofStep(
    (step) => tf.add(tf.mul(row([...COARSE.map((ratio) => 1 / ratio), 0]), step), identity),
    (dy, value) => tf.sum(tf.mul(dy, value), 1, true),
  );
  return {
    logStep: log,
    bottom: ofStep((step) => tf.mul(step, signed ? -end : 0), none),
    top: ofStep((step) => tf.mul(step, end), none),
    perStep: ofStep((step) => tf.add(tf.div(row([...COARSE, 0]), step), identity), none),
    mixture: tf.mul(tf.expandDims(weights, 2), steps),
  };
}

const PARTS = ["logStep", "bottom", "top", "perStep", "mixture"] as const;

/** The levels of `count` equal stacks, in order. */
export function splitLevels(levels: Levels, count: number): Levels[] {
  if (count === 1) return [levels];
  const [logStep, bottom, top, perStep, mixture] = PARTS.map((part) => tf.split(levels[part], count));
  return logStep!.map((_, i) => ({
    logStep: logStep![i]!,
    bottom: bottom![i]!,
    top: top![i]!,
    perStep: perStep![i]!,
    mixture: mixture![i]!,
  }));
}

/**
 * The inner products of the rows of a stack with one row each.
 *
 * A product of matrices with one column is slow everywhere; one with a single row of ones is fast, so sums are taken along
 * the longer part of a row with that, and along the rest by a reduction.
 * @param rows [G, K, N]
 * @param with_ [G, 1, N]
 * @param width a divisor of N
 * @returns [G, K, 1]
 */
function innerProducts(rows: Tensor, with_: Tensor, width: number): Tensor {
  const [groups, count, size] = rows.shape as [number, number, number];
  if (size < SHORT) return tf.reshape(tf.matMul(with_, rows, false, true), [groups, count, 1]);
  const products = tf.reshape(tf.mul(rows, with_), [groups * count, size / width, width]);
  const columns = tf.matMul(tf.ones([1, 1, size / width]), products); // [G K, 1, width]
  return tf.reshape(tf.sum(columns, -1), [groups, count, 1]);
}

/** Rows so short that one operation beats several faster ones. */
const SHORT = 8192;

/**
 * A tensor, plus nothing, but not before others. A runtime chooses its order of operations: what could be computed early may
 * be, and then takes room until it is needed.
 * @param others of rank 3
 */
function after(x: Tensor, ...others: Tensor[]): Tensor {
  const one = others.map((other) => tf.slice(other, [0, 0, 0], [1, 1, 1])).reduce((a, b) => tf.add(a, b));
  return tf.add(x, tf.mul(one, 0));
}

/** Multiples of each grid's step. @param limited [G, 1, N] @returns [G, 5, N] */
function round(limited: Tensor, perStep: Tensor): Tensor {
  const offset = tf.tensor(ROUNDING, [1, STEP_RATIOS.length, 1]);
  return tf.sub(tf.add(tf.mul(limited, perStep), offset), offset);
}

/** Numbers of all grids of a stack that are computed at a time: 4 MB, of which a processor's cache holds several. */
const TILE = 2 ** 20;

/**
 * Quantizes each tensor of a stack with its own step and its own mixture of bit widths.
 *
 * The grids of a large tensor take five times its room, and what is done to them is little: they are computed tile by tile,
 * while a tile stays in the cache, and once more for the gradient instead of being kept until then.
 * @param x [G, ..., width]
 * @returns as x
 */
export function quantizeWith(x: Tensor, levels: Levels, { clip = true }: QuantizeOptions = {}): Tensor {
  const groups = x.shape[0]!, width = x.shape.at(-1)!, lines = x.size / groups / width;
  const perTile = Math.max(1, Math.floor(TILE / (groups * STEP_RATIOS.length * width))), large = lines > perTile;
  const limit = (x: Tensor, bottom: Tensor, top: Tensor) => clip ? tf.minimum(tf.maximum(x, bottom), top) : x; // [G, 1, N]
  const apply = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    const [x, _logStep, bottom, top, perStep, mixture] = args as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    const limited = limit(x, bottom, top), rounded = round(limited, perStep);
    save(large ? [x, bottom, top, perStep] : [x, limited, rounded]);
    const again = (dy: Tensor, [x, bottom, top, perStep]: Tensor[]): Tensor[] => {
      const limited = limit(x!, after(bottom!, dy), top!);
      return [x!, limited, round(limited, after(perStep!, dy))];
    };
    const gradFunc = (dy: Tensor, saved: Tensor[]) => {
      const [x, limited, rounded] = (large ? again(dy, saved) : saved) as [Tensor, Tensor, Tensor];
      const inside = clip ? tf.where(tf.equal(x, limited), dy, tf.zerosLike(dy)) : dy;
      const dMixture = innerProducts(rounded, dy, width);
      const dLogStep = tf.neg(innerProducts(inside, x, width));
      const dx = large ? after(inside, dMixture, dLogStep) : inside;
      // Arguments that were not saved may be gone by now; their shapes are not.
      const none = ({ shape }: Tensor) => tf.zeros(shape);
      return [dx, dLogStep, none(bottom), none(top), none(perStep), dMixture];
    };
    return { value: tf.matMul(mixture, rounded, true, false), gradFunc };
  });
  const flat = tf.reshape(x, [groups, 1, -1]), parts = PARTS.map((part) => levels[part]);
  if (!large) return tf.reshape(apply(flat, ...parts), x.shape);
  const sizes = Array.from({ length: Math.ceil(lines / perTile) }, (_, i) => {
    return width * Math.min(perTile, lines - i * perTile);
  });
  return tf.reshape(tf.concat(tf.split(flat, sizes, 2).map((tile) => apply(tile, ...parts)), 2), x.shape);
}

/**
 * Quantizes each tensor of a stack with its own step and its own mixture of bit widths.
 * @param x [G, ...]
 * @param s2 [G], the 2-bit step of each tensor
 * @param weights [G, 5], from `levelWeights`
 * @returns as x
 */
export function quantize(x: Tensor, s2: Tensor, weights: Tensor, options: QuantizeOptions = {}): Tensor {
  return quantizeWith(x, levelsOf(tf.log(s2), weights, options.signed), options);
}
