/** What a step's job finds and leaves in a folder that the cluster's machines share. Files of inputs and outputs are numbered. */
import { join } from "node:path";
import type { StepKey } from "../fingerprint.ts";
import type { Step } from "../step.ts";

/** What a job is to run. */
export interface Request {
  readonly step: Step;
  readonly key: StepKey;
  readonly afresh: boolean;
  /** URL of the module that runs the step's kind. */
  readonly module: string;
  /** Folder under which steps get scratch folders. */
  readonly scratch: string;
}

/** How far it is. */
export interface Progress {
  readonly fraction: number;
  readonly message?: string;
}

/** How it ended: which outputs it wrote, in order, or what was wrong. */
export type Result =
  | { readonly kind: "done"; readonly outputs: readonly string[] }
  | { readonly kind: "failed"; readonly message: string; readonly trace?: string };

/** Where they are in a job's folder. */
export const filesIn = (folder: string) => ({
  request: join(folder, "request.json"),
  progress: join(folder, "progress.json"),
  /** Written last. */
  result: join(folder, "result.json"),
  input: (place: number): string => join(folder, `input-${place}`),
  output: (place: number): string => join(folder, `output-${place}`),
  script: join(folder, "job.sh"),
  /** The id that Slurm gave the job. */
  id: join(folder, "job-id"),
  /** What the job printed. */
  log: join(folder, "job.log"),
});
