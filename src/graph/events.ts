import type { StepKey } from "./fingerprint.ts";

/** What happened in a run, in order. Displays, logs and reports are made of these alone. */
export type Event =
  | Planned
  | { readonly type: "started"; readonly step: string }
  | { readonly type: "progress"; readonly step: string; readonly fraction: number; readonly message?: string }
  | Finished
  | { readonly type: "failed"; readonly step: string; readonly message: string; readonly trace?: string }
  | { readonly type: "skipped"; readonly step: string; readonly because: string }
  | { readonly type: "warning"; readonly message: string; readonly step?: string }
  | Done;

export interface Planned {
  readonly type: "planned";
  /** Steps in all, and how many of them are up to date. */
  readonly total: number;
  readonly fresh: number;
  /** Expected cost of each step that is not, in the steps' own unit. */
  readonly pending: Readonly<Record<string, number>>;
  /** Steps that run side by side. */
  readonly slots: number;
}

export interface Finished {
  readonly type: "finished";
  readonly step: string;
  readonly how: "cached" | "computed";
  readonly key: StepKey;
  /** Wall time; 0 for what was cached. */
  readonly seconds: number;
}

export interface Done {
  readonly type: "done";
  readonly status: "ok" | "failed" | "interrupted";
  readonly computed: number;
  readonly cached: number;
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  readonly seconds: number;
}

export type Emit = (event: Event) => void;
