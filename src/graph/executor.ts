import type { StepKey } from "./fingerprint.ts";
import type { Step } from "./step.ts";

/** A step that is ready to run, with what it may ask for while it runs. */
export interface Job {
  readonly step: Step;
  readonly key: StepKey;
  /** Whether what an earlier start of the step left must not count. */
  readonly afresh?: boolean;
  /** The checked bytes of an input, the caller's to keep. */
  read(role: string): Promise<Uint8Array<ArrayBuffer>>;
  progress(fraction: number, message?: string): void;
}

/** Where ready steps run. The scheduler never asks for more than `slots` at once. */
export interface Executor {
  readonly slots: number;
  /** Whether steps run side by side on one machine, and so may want the same part of it; true if not given. */
  readonly sharesMachine?: boolean;
  /** The affinities that workers of this executor are warm for: those that wait for a step, and those that run one. */
  warm?(): { readonly idle: ReadonlySet<string>; readonly busy: ReadonlySet<string> };
  /** Runs a step and gives what it wrote, by output name. @throws StepFailure if the step's code fails */
  run(job: Job): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Gives up whatever still runs; its `run` is rejected. */
  close(): Promise<void>;
}

/** The code of a step failed. */
export class StepFailure extends Error {
  override readonly name = "StepFailure";
  /** @param trace where in the step's code; absent for a mistake that a person can mend */
  constructor(message: string, readonly trace?: string) {
    super(message);
  }
}
