/**
 * Uniform quantization of a matrix by groups within its rows, each with its own step and zero point, on the host. A group holds
 * two float32 numbers, the ends of its range, and a code for each weight.
 */
import { float32, type HostTensor } from "../tensor/host_tensor.ts";

export interface Grouped {
  /** [rows, columns] */
  readonly shape: readonly [number, number];
  readonly groupSize: number;
  /** [rows, columns], 0 to 2^bits - 1. */
  readonly codes: Uint8Array;
  /** Of each group, row by row: the weight that code 0 stands for (the zero point, in units of weights) and the step. */
  readonly low: Float64Array;
  readonly step: Float64Array;
}

const groupsPerRow = (columns: number, groupSize: number): number => Math.ceil(columns / groupSize);

/**
 * Quantizes a matrix between the smallest and the largest weight of each group. What is on such a grid already stays as it is.
 * @param matrix [rows, columns]
 * @param bits 1 to 8
 * @param groupSize neighbours in a row; the last group of a row may be shorter
 */
export function quantizeGroups(matrix: HostTensor, bits: number, groupSize: number): Grouped {
  const shape = matrix.shape as [number, number], [rows, columns] = shape, perRow = groupsPerRow(columns, groupSize);
  const low = new Float64Array(rows * perRow).fill(Infinity), step = new Float64Array(rows * perRow).fill(-Infinity);
  const groupOf = (i: number) => Math.floor(i / columns) * perRow + Math.floor(i % columns / groupSize);
  matrix.data.forEach((w, i) => {
    const group = groupOf(i);
    low[group] = Math.min(low[group]!, w);
    step[group] = Math.max(step[group]!, w);
  });
  const top = (1 << bits) - 1;
  step.forEach((high, group) => step[group] = (high - low[group]!) / top);
  const codes = Uint8Array.from(matrix.data, (w, i) => {
    const group = groupOf(i);
    return step[group] === 0 ? 0 : Math.round((w - low[group]!) / step[group]!);
  });
  return { shape, groupSize, codes, low, step };
}

/** The matrix that codes, steps and zero points stand for. @returns [rows, columns] */
export function dequantizeGroups({ shape, groupSize, codes, low, step }: Grouped): HostTensor {
  const [, columns] = shape, perRow = groupsPerRow(columns, groupSize);
  return float32(
    shape,
    Float32Array.from(codes, (code, i) => {
      const group = Math.floor(i / columns) * perRow + Math.floor(i % columns / groupSize);
      return low[group]! + code * step[group]!;
    }),
  );
}

/** A matrix as it is after quantization. */
export function roundToGroups(matrix: HostTensor, bits: number, groupSize: number): HostTensor {
  return dequantizeGroups(quantizeGroups(matrix, bits, groupSize));
}
