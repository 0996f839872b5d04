/** What a process of its own is asked to time, as the one argument it gets, in JSON. */
import type { DebertaConfig } from "../src/deberta/config.ts";

export interface Request {
  /** One of ours, or `pytorch`. */
  readonly engine: string;
  readonly method: string;
  /** The preset of adapted matrices, where one was asked for and the method has a choice. */
  readonly target: string | null;
  /** Where B-LoRA's gate logits start, where that was asked for and the method has gates. */
  readonly gateLogit?: number;
  /** The shape's name; what it is stands below. */
  readonly shape: string;
  readonly config: DebertaConfig;
  readonly batch: number;
  /** Padded tokens of a row. */
  readonly length: number;
  /** Most tokens that go through the network at once, where that was asked for. */
  readonly tokensAtOnce?: number;
  readonly threads: number;
  /** Steps timed after warm-up. */
  readonly steps: number;
}

/** What was measured. */
export interface Row extends Omit<Request, "config" | "steps"> {
  /** Median over the steps. */
  readonly ms_per_step: number;
  readonly tokens_per_second: number;
  readonly peak_rss_mb: number;
}

/** The argument of this process. */
export function given<T>(): T {
  return JSON.parse(Deno.args[0]!) as T;
}
