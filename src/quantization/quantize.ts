/**
 * The residual quantizer of Bayesian Bits (van Baalen et al. 2020, arXiv 2005.07093, eq. 1-6), on stacks of tensors.
 *
 * The paper adds gated residuals, x2 + z4 (e4 + z8 (e8 + ...)). Because every grid divides the one before it (s2 = 5 s4,
 * s4 = 17 s8, ...), x2 + e4 is x rounded to the grid of s4, and so on: the sum is a mixture of plain roundings, weighted by
 * differences of the nested gates. They part company only where x lies exactly half-way between two points of a fine grid.
 *
 * With straight-through rounding the gradient has a closed form. With c = x limited to the range, y = sum_k m_k R_k + weight_32 c,
 * where m_k = weight_k s_k and R_k is the whole number next to c / s_k. Then dL/dm_k = <dy, R_k> and dL/dweight_32 = <dy, c>, and,
 * since the weights sum to 1, dL/dx = dy inside the range and 0 outside. By itself, which is with m_k and weight_32 s2 held,
 * the step has dL/d(ln(1 / s2)) = <dL/dx, x>.
 */
import * as tf from "@tensorflow/tfjs";
import { shortcut } from "../compile/shortcut.ts";
import { TRACE } from "../compile/tracer.ts";
import { ROW_UNIT } from "../deberta/packing.ts";
import { powerOfTwoDivisor } from "../tensor/divisor.ts";

type Tensor = tf.Tensor;
type Pair = [Tensor, Tensor];

/** s2 / s_k for k = 2, 4, 8, 16, 32: (2^k - 1) / 3. */
export const STEP_RATIOS = [1, 5, 85, 21845, 1431655765] as const;

/** s2 / s_k of the grids that are rounded to. That for 32 bits is finer than float32: nothing is rounded there. */
const ROUNDED = STEP_RATIOS.slice(0, 4);

/**
 * Added and taken away again, 1.5 2^23 rounds a float32 below 2^22 to a whole number, half to even, in two additions, several
 * times faster than a rounding instruction applied to each number.
 */
const ROUNDING = 12582912;

export interface QuantizeOptions {
  /** Whether inputs are limited to the range first (the default). */
  readonly clip?: boolean;
  /**
   * Whether grids of weight 0 may be left out, which all of them have where weight_32 is 1. Their weights then have a gradient of
   * 0. That is exact under hard-concrete gates: a weight is 0 only beside a gate at an end of its range, where the gate itself has
   * no gradient.
   */
  readonly skip?: boolean;
  /**
   * Numbers of all grids of a stack that are computed at a time [2^24]: 64 MB where all grids count, and few operations where,
   * as at the beginning, only x itself does.
   */
  readonly tile?: number;
  /** The most lines that x has in any run of the same graph, by which it is cut into tiles [those of x]. */
  readonly mostLines?: number;
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
 * Where G quantizers stand, each in the shapes that `quantizeWith` multiplies with. A model has hundreds of them: what they need is
 * worked out for all at once.
 */
export interface Levels {
  /** weight_k s_k of the grids that are rounded to, [G, 1, 4]. */
  readonly mixture: Tensor;
  /** weight_32, [G, 1, 1]. */
  readonly finest: Tensor;
  /** ln(1 / s2), [G, 1, 1], which takes the gradient of all that follows from it below. */
  readonly logPerStep: Tensor;
  /** 1 / s_k, [G, 4, 1]. */
  readonly perStep: Tensor;
  /** The ends of the range, [G, 1, 1] each. */
  readonly low: Tensor;
  readonly high: Tensor;
}

export interface LevelOptions {
  /** Whether ranges are [-b, b] (the default) or [0, b]. */
  readonly signed?: boolean;
  /** What the numbers of each quantizer come multiplied by, G of them [1]: so are then its steps. */
  readonly units?: readonly number[];
}

/** weight_32, as it stands in weight_32 s2 (c / s2): where c / s2 is held, its derivative with respect to ln s2 is its value. */
const finestOf = tf.customGrad((...args) => {
  const [weight, _logStep, save] = args as unknown as [Tensor, Tensor, tf.GradSaveFunc];
  save([weight]);
  return { value: tf.clone(weight), gradFunc: (dy: Tensor, [weight]: Tensor[]) => [dy, tf.mul(dy, weight!)] };
});

/**
 * Prepares quantizers, any number at once.
 * @param logStep [G], ln s2
 * @param weights [G, 5], from `levelWeights`
 */
export function levelsOf(logStep: Tensor, weights: Tensor, { signed = true, units }: LevelOptions = {}): Levels {
  const count = ROUNDED.length, log = tf.reshape(logStep, [-1, 1, 1]);
  const [rounded, finest] = tf.split(tf.expandDims(weights, 1), [count, 1], 2) as Pair;
  const s2 = units ? tf.mul(tf.exp(log), tf.tensor(units, [units.length, 1, 1])) : tf.exp(log);
  const high = tf.mul(s2, rangeOverStep(signed) * WITHIN);
  return {
    mixture: tf.mul(rounded, tf.mul(s2, tf.tensor(ROUNDED.map((ratio) => 1 / ratio), [1, 1, count]))),
    finest: finestOf(finest, log),
    logPerStep: tf.neg(log),
    perStep: tf.div(tf.tensor(ROUNDED, [1, count, 1]), s2),
    low: signed ? tf.neg(high) : tf.zerosLike(high),
    high,
  };
}

/** The same of every part of some levels. */
export function mapLevels<From, To>(
  levels: Record<keyof Levels, From>,
  of: (part: From) => To,
): Record<keyof Levels, To> {
  return {
    mixture: of(levels.mixture),
    finest: of(levels.finest),
    logPerStep: of(levels.logPerStep),
    perStep: of(levels.perStep),
    low: of(levels.low),
    high: of(levels.high),
  };
}

/** The levels of stacks, in order. @param sizes how many quantizers each has */
export function splitLevels(levels: Levels, sizes: number[]): Levels[] {
  if (sizes.length === 1) return [levels];
  const stacks = mapLevels(levels, (part) => tf.split(part, sizes));
  return sizes.map((_, i) => mapLevels(stacks, (parts) => parts[i]!));
}

/** The grids that a stack is rounded to: all four, or those that count. Q quantizers: G, or one for all of the stack. */
interface Grids {
  /** 1 / s_k, [Q, K, 1]. */
  readonly perStep: Tensor;
  /** weight_k s_k, [G, 1, K]. */
  readonly mixture: Tensor;
  /** What belongs to all four in their order, 0 where one is left out. @param row [G, 1, K] @returns [G, 1, 4] */
  whole(row: Tensor): Tensor;
}

/**
 * @param stack G of what is quantized
 * @param skip whether to leave grids of weight 0 out, which compiled engines can
 */
function gridsOf(mixture: Tensor, perStep: Tensor, stack: number, skip: boolean): Grids {
  // Where no grid counts, ONNX Runtime gives as many products as there are matrices on the left.
  const weights = tf.mul(mixture, tf.ones([stack, 1, 1]));
  if (!skip || tf.getBackend() !== TRACE) return { perStep, mixture: weights, whole: (row) => row };
  const rows = tf.engine().runKernel("OpenRows", { mixture }) as Tensor; // [Q, K, 4]
  return {
    perStep: tf.matMul(rows, perStep),
    mixture: tf.matMul(weights, rows, false, true),
    whole: (row) => tf.matMul(row, rows),
  };
}

/** The nearest multiples of each grid's step, counted in it. @param limited [G, 1, N] @returns [G, K, N] */
function multiples(limited: Tensor, perStep: Tensor): Tensor {
  return tf.sub(tf.add(tf.mul(limited, perStep), ROUNDING), ROUNDING);
}

/**
 * A tensor, plus nothing, but not before others. A runtime chooses its order of operations: what could be computed early may
 * be, and then takes room until it is needed.
 * @param others of rank 3
 */
function after(x: Tensor, ...others: Tensor[]): Tensor {
  const one = others.map((other) => tf.slice(other, [0, 0, 0], [1, 1, 1])).reduce((a, b) => tf.add(a, b));
  return tf.add(x, tf.mul(one, 0));
}

/** Numbers of a tensor from which on it pays to find out which grids count. */
const LONG = 8192;

const TILE = 2 ** 24;

/** Numbers of all grids of each tensor of a stack that are kept for the gradient: more are computed again. */
const KEPT = 2 ** 18;

/** Most tiles. Numbers of rows are multiples of it, so that equal tiles grow with them. */
const MOST_TILES = ROW_UNIT;

/** How many tiles lines are cut into: a power of two. */
function tilesOf(lines: number, perTile: number): number {
  let tiles = 1;
  while (tiles < MOST_TILES && tiles * perTile < lines) tiles *= 2;
  return tiles;
}

/** Pieces that a large tensor is laid out in, if its width allows: an inner product occupies one thread, so there are several. */
const PIECES = 32;

/** What quantizers are computed from: x [G, 1, N], and of their levels what is not a constant. */
type Given = Record<"x" | "mixture" | "finest" | "perStep" | "low" | "high", Tensor>;
/** What their gradients are computed from. */
type GivenBack = Given & { readonly dy: Tensor };

/**
 * Quantizes each tensor of a stack with its own step and its own mixture of bit widths.
 *
 * The grids of a large tensor take five times its room, and what is done to them is little: they are computed once more for the
 * gradient instead of being kept until then, and tile by tile.
 * @param x [G, ..., width]
 * @returns as x
 */
export function quantizeWith(
  x: Tensor,
  { mixture, finest, logPerStep, perStep, low, high }: Levels,
  { clip = true, skip = false, tile = TILE, mostLines }: QuantizeOptions = {},
): Tensor {
  const groups = x.shape[0]!, width = x.shape.at(-1)!, lines = x.size / groups / width, count = STEP_RATIOS.length;
  const most = mostLines ?? lines, perLine = groups * count * width;
  const tiles = tilesOf(most, tile / perLine), large = most * count * width > KEPT;
  // One large tensor is laid out as if it were a stack.
  const laid = groups === 1 && large, skips = skip && most * width >= LONG;
  const gridsAt = ({ x, mixture, perStep }: Given) => gridsOf(mixture, perStep, x.shape[0]!, skips);
  const within = ({ x, low, high }: Given) => clip ? tf.minimum(tf.maximum(x, low), high) : x;
  const passed = ({ x, dy }: GivenBack, limited: Tensor) =>
    clip ? tf.mul(dy, tf.cast(tf.equal(x, limited), "float32")) : dy;
  const inner = (a: Tensor, b: Tensor) => tf.matMul(a, b, false, true); // [G, 1, K]
  /** What belongs to one quantizer. */
  const together = (slopes: Tensor[]) => laid ? slopes.map((slope) => tf.sum(slope, 0, true)) : slopes;
  /** Where one tensor's weight_32 is 1, no other grid counts, and nothing is rounded. */
  const choose = <G extends Given>(given: G, quick: (given: G) => Tensor[], general: (given: G) => Tensor[]) =>
    laid && skips ? shortcut(tf.equal(given.finest, 1), given, { quick, general }) : general(given);

  /** What comes of x, and what is kept for the gradient. */
  const forward = (given: Given): Tensor[] => {
    const { perStep, mixture } = gridsAt(given), limited = within(given), made = multiples(limited, perStep);
    const y = tf.add(tf.matMul(mixture, made), tf.mul(limited, given.finest));
    return large ? [y] : [y, limited, made];
  };
  /** The gradients to x, weight_k s_k, weight_32 and ln(1 / s2). */
  const backward = (given: GivenBack, kept: readonly Tensor[]): Tensor[] => {
    const { dy, x, low } = given, { perStep, whole } = gridsAt(given);
    const limited = kept[0] ?? within({ ...given, low: after(low, dy) });
    const made = kept[1] ?? multiples(limited, perStep), inside = passed(given, limited);
    const slopes = together([whole(inner(dy, made)), inner(dy, limited), inner(inside, x)]);
    return [large ? after(inside, ...slopes) : inside, ...slopes];
  };
  const backwardUnrounded = (given: GivenBack): Tensor[] => {
    const limited = within(given), inside = passed(given, limited);
    return [inside, tf.zerosLike(given.mixture), ...together([inner(given.dy, limited), inner(inside, given.x)])];
  };

  const apply = tf.customGrad((...args) => {
    const [x, mixture, finest, _logPerStep, save] = args as unknown as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      tf.GradSaveFunc,
    ];
    const given = { x, mixture, finest, perStep, low, high };
    const [value, ...made] = choose(given, (given) => [within(given)], forward) as [Tensor, ...Tensor[]];
    save([x, mixture, finest, perStep, low, high, ...made]);
    const gradFunc = (dy: Tensor, [x, mixture, finest, perStep, low, high, ...kept]: Tensor[]) => {
      const given = { dy, x, mixture, finest, perStep, low, high } as GivenBack;
      return choose(given, backwardUnrounded, (given) => backward(given, kept));
    };
    return { value, gradFunc };
  });
  const flat = tf.reshape(x, [laid ? powerOfTwoDivisor(width, PIECES) : groups, 1, -1]);
  const quantized = (part: Tensor) => apply(part, mixture, finest, logPerStep);
  if (tiles === 1) return tf.reshape(quantized(flat), x.shape);
  // The last tile is longer by what does not divide, which is as much for every number of rows.
  const share = width * groups / flat.shape[0]!; // of a line, in each row of `flat`
  const each = Math.floor(lines / tiles), sizes = new Array<number>(tiles).fill(share * each);
  sizes[tiles - 1]! += share * (lines - tiles * each);
  return tf.reshape(tf.concat(tf.split(flat, sizes, 2).map(quantized), 2), x.shape);
}

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
  options: QuantizeOptions & Pick<LevelOptions, "signed"> = {},
): Tensor {
  return quantizeWith(x, levelsOf(tf.log(s2), weights, options), options);
}
