/**
 * Blockwise NormalFloat with double quantization (Dettmers et al. 2023, arXiv 2305.14314, section 3), on the host.
 *
 * Weights of one matrix are near normal, so a k-bit code spends its levels where a normal distribution has its quantiles. Each
 * block of weights shares one constant, its largest |value|; the constants, less their mean, are kept as 8-bit floats in blocks
 * of their own.
 */
import { float32, type HostTensor } from "../tensor/host_tensor.ts";

export const WIDTHS = [2, 3, 4] as const;
export type Width = typeof WIDTHS[number];

/**
 * The levels by bit width, ascending, from -1 over an exact 0 to 1. Four bits: as published (appendix E of the paper). Two and
 * three: the same construction with the probability offset that Guo et al. 2023 (arXiv 2311.12023, section 2) give for b bits,
 * (1 / 2^(b + 1) + 1 / (2^(b + 1) - 2)) / 2. Kept as numbers, for quantiles computed anew need not have the same bits everywhere.
 */
export const LEVELS: Readonly<Record<Width, readonly number[]>> = {
  2: [-1, 0, 0.4358181645831154, 1],
  3: [
    -1,
    -0.535022708485538,
    -0.24693143181157517,
    0,
    0.18333748033548755,
    0.3819939543209139,
    0.6229857417143424,
    1,
  ],
  4: [
    -1,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1,
  ],
};

export interface BlockFormat {
  readonly bits: Width;
  /** Neighbours of the flat array that share a constant. */
  readonly block: number;
}

/** NF4 as QLoRA has it. */
export const NF4: BlockFormat = { bits: 4, block: 64 };

/** 2^-14 */
const SMALLEST_UNIT = 1 / 16384;

/** Constants that share one of their own. */
const CONSTANT_BLOCK = 256;

export interface Blocks {
  readonly format: BlockFormat;
  /** A level for each weight. */
  readonly codes: Uint8Array;
  /** One for each block, as they are read back from their 8 bits. */
  readonly constants: Float32Array;
}

/** Quantizes the weights of a tensor. */
export function quantizeBlocks(tensor: HostTensor, format: BlockFormat): Blocks {
  const { data } = tensor, { bits, block } = format, levels = LEVELS[bits];
  const largest = new Float32Array(Math.ceil(data.length / block));
  data.forEach((x, i) => largest[Math.floor(i / block)] = Math.max(largest[Math.floor(i / block)]!, Math.abs(x)));
  const codes = Uint8Array.from(data, (x, i) => nearest(levels, x / (largest[Math.floor(i / block)]! || 1)));
  return { format, codes, constants: roundConstants(largest) };
}

/** The weights that a model computes with. @param shape of the tensor that was quantized */
export function dequantizeBlocks({ format, codes, constants }: Blocks, shape: readonly number[]): HostTensor {
  const levels = LEVELS[format.bits];
  return float32(
    shape,
    Float32Array.from(codes, (code, i) => levels[code]! * constants[Math.floor(i / format.block)]!),
  );
}

/** A tensor as it is after quantization. */
export function roundToBlocks(tensor: HostTensor, format: BlockFormat): HostTensor {
  return dequantizeBlocks(quantizeBlocks(tensor, format), tensor.shape);
}

/** Bits that hold a quantized tensor: codes, a constant of 8 bits for each block, one of 32 for each block of those. */
export function storedBits(size: number, { bits, block }: BlockFormat): number {
  return size * (bits + (8 + 32 / CONSTANT_BLOCK) / block);
}

/** The index of the level next to a number of [-1, 1]; half-way, the lower one. */
function nearest(levels: readonly number[], x: number): number {
  let code = 0;
  while (code + 1 < levels.length && x > (levels[code]! + levels[code + 1]!) / 2) code++;
  return code;
}

/** The second quantization: constants less their mean, as 8-bit floats of the largest one in their block. */
function roundConstants(constants: Float32Array): Float32Array {
  const mean = Math.fround(constants.reduce((sum, c) => sum + c, 0) / constants.length);
  const rounded = new Float32Array(constants.length);
  for (let from = 0; from < constants.length; from += CONSTANT_BLOCK) {
    const centred = Array.from(constants.subarray(from, from + CONSTANT_BLOCK), (c) => c - mean);
    const largest = Math.fround(Math.max(...centred.map(Math.abs)));
    // A constant is a size: rounding may not turn a small one negative, which would mirror its weights.
    centred.forEach((c, i) => rounded[from + i] = Math.max(0, mean + largest * toFloat8(largest && c / largest)));
  }
  return rounded;
}

/**
 * Rounds a number of [-1, 1] to an 8-bit float: sign, four bits of exponent (1 down to 2^-14), three of mantissa. The paper
 * says "8-bit floats" and no more; this split of the bits is a choice.
 */
export function toFloat8(x: number): number {
  let unit = 1;
  while (unit > SMALLEST_UNIT && Math.abs(x) < unit) unit /= 2;
  return Math.round(x / unit * 8) / 8 * unit;
}
