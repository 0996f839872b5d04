/**
 * What executes tensor code. A program is a pure function of named tensors; a device runs programs and keeps named
 * registers (frozen weights, trained parameters, optimizer state) between runs, so that what lives long is not moved.
 */
import type { Tensor } from "@tensorflow/tfjs";
import type { TensorSpec } from "../compile/tracer.ts";
import type { HostTensor, HostTensors } from "../tensor/host_tensor.ts";

export type Tensors = Record<string, Tensor>;

/** Random inputs of a program, by name: the same name, seed and step give the same numbers on every engine. */
export interface Noise {
  /** 0 with probability `rate`, else 1 / (1 - rate): what dropout multiplies with. */
  dropout(name: string, shape: readonly number[], rate: number): Tensor;
  /** Uniform numbers of (0, 1). */
  uniform(name: string, shape: readonly number[]): Tensor;
}

/** Names the noise of one run. */
export interface NoiseKey {
  readonly seed: number;
  readonly step: number;
  /** Of a batch that comes in parts: each has its own dropout, and all share the step's uniform numbers. */
  readonly part?: number;
}

export interface Program {
  /** For messages and profiles. */
  readonly name: string;
  /** Inputs come from the call where it names them, else from the device's registers. */
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  /** What inputs are made of on the host, where a run is fed something else. */
  readonly prepare?: (feeds: HostTensors) => HostTensors;
  /** Set if the program is one of many that differ in a size alone: this one has the largest. */
  readonly elastic?: Elastic;
  /** Must be pure: no reads of tensor values, no state. */
  readonly apply: (inputs: Tensors, noise: Noise) => Tensors;
  /** Outputs that are written to registers after the run, by register name, instead of being returned. */
  readonly writes?: Readonly<Record<string, string>>;
}

/** A size that every run chooses. Extents of tensors are multiples of it, or shares, plus something. */
export interface Elastic {
  /** What all sizes are multiples of. */
  readonly unit: number;
  /** The size of a run. @param feeds as prepared */
  readonly sizeOf: (feeds: HostTensors) => number;
  /** The program of a size: the same operations in the same order. */
  readonly at: (size: number) => Program;
}

export interface Executable {
  /**
   * Runs the program once.
   * @param feeds inputs of this call
   * @param noise needed if the program uses noise
   * @returns the outputs that no register takes
   */
  run(feeds: HostTensors, noise?: NoiseKey): Promise<HostTensors>;
  dispose(): Promise<void>;
}

export interface Device {
  load(program: Program): Promise<Executable>;
  /** Sets registers. The arrays are not copied and must not be changed afterwards. */
  write(registers: HostTensors): void;
  /** A register's value. @throws Error if nothing was written to it */
  read(register: string): HostTensor;
  /** Forgets registers. */
  clear(): void;
}
