import type { Step } from "./step.ts";

/** Messages to a worker. One job runs at a time; `job` tells late messages of an earlier one apart. */
export type ToWorker =
  | {
    readonly type: "run";
    readonly job: number;
    readonly step: Step;
    readonly module: string;
    readonly scratch: string;
  }
  | { readonly type: "input"; readonly job: number; readonly read: number; readonly bytes: Uint8Array }
  | { readonly type: "input-failed"; readonly job: number; readonly read: number; readonly message: string };

/** Messages from a worker. */
export type FromWorker =
  | { readonly type: "read"; readonly job: number; readonly read: number; readonly role: string }
  | { readonly type: "progress"; readonly job: number; readonly fraction: number; readonly message?: string }
  | { readonly type: "result"; readonly job: number; readonly outputs: readonly (readonly [string, Uint8Array])[] }
  | { readonly type: "error"; readonly job: number; readonly message: string; readonly trace?: string }
  /** An error that nobody caught: the worker may be in any state and is not used again. */
  | { readonly type: "died"; readonly message: string; readonly trace?: string };
