/** The contract between parity runs and the code that knows a kind of fixture. */
import type { Fixture } from "./fixture.ts";
import type { Report } from "./report.ts";

export interface ParityContext {
  /** The engine that computes tensors. */
  readonly engine: string;
  /** DeBERTaV3's `spm.model`; looked for among downloads and mirrors if not given. */
  readonly spm?: string;
}

/** Computes what a fixture expects with our code, and reports every expected key. */
export type Checker = (fixture: Fixture, report: Report, context: ParityContext) => void | Promise<void>;
