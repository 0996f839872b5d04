/**
 * What a step's job finds and leaves in a folder that the cluster's machines share. Outputs are numbered; inputs lie beside the
 * folders of all jobs, once each: hundreds of jobs start from one checkpoint.
 */
import { join } from "node:path";
import type { FileDigest, StepKey } from "../fingerprint.ts";
import type { Step } from "../step.ts";

/** What a job is to run. */
export interface Request {
  readonly step: Step;
  readonly key: StepKey;
  readonly afresh: boolean;
  /** By role. */
  readonly inputs: Readonly<Record<string, FileDigest>>;
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

/** The folder of inputs, beside those of jobs. */
export const INPUTS = "inputs";

/** Where they are, by a job's folder. */
export const filesIn = (folder: string) => ({
  request: join(folder, "request.json"),
  progress: join(folder, "progress.json"),
  /** Written last. */
  result: join(folder, "result.json"),
  input: (digest: FileDigest): string => join(folder, "..", INPUTS, digest),
  output: (place: number): string => join(folder, `output-${place}`),
  script: join(folder, "job.sh"),
  /** The id that Slurm gave the job. */
  id: join(folder, "job-id"),
  /** What the job printed. */
  log: join(folder, "job.log"),
});
