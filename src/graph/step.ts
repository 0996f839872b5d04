/**
 * The nouns of a pipeline. A pipeline is a list of {@link Step}s; everything else in this folder plans, runs, keeps and
 * explains them, and knows nothing of what they compute.
 *
 * A pipeline calls `reproduce()` of `reproduce.ts` to bring its results up to date and `inspect()` to see what that would do.
 */

import type { FileDigest } from "./fingerprint.ts";

/** What parameters are made of. Canonical JSON is hashed, so `-0`, `NaN`, infinities and `undefined` are refused. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** An output of another step, or a file of known contents. */
export type Input =
  | { readonly step: string; readonly output: string }
  | { readonly file: string; readonly digest: FileDigest };

/** A named pure function of its parameters and inputs. It reads nothing else: no clock, no environment, no other file. */
export interface Step {
  /** Unique and path-like: `finetune/lora/cola/seed-1`. Not part of the fingerprint. */
  readonly name: string;
  /** Names the module that runs it. */
  readonly kind: string;
  /** Of the kind's code: raise it when the same inputs would give other outputs. */
  readonly version: number;
  readonly parameters: Json;
  /** By role, as the kind's code asks for them. */
  readonly inputs: Readonly<Record<string, Input>>;
  /** File names it will write, all of them and no others. */
  readonly outputs: readonly string[];
  /** For steps that run tensor code: the engine, whose identity becomes part of the fingerprint. */
  readonly engine?: string;
  /** Expected seconds, or what is in proportion to them (default 1): for the order and the estimate of time left only. */
  readonly seconds?: number;
  /** A part of the machine that one step at a time may use, a GPU for instance. */
  readonly slot?: string;
  /** Steps of one affinity share what a worker keeps, compiled graphs for instance: one worker runs them where it can. */
  readonly affinity?: string;
}

/** What a step's code is given. */
export interface StepContext {
  readonly step: Step;
  /**
   * The bytes of an input, checked against their digest.
   * @throws Error if the step declares no input of that role
   */
  read(role: string): Promise<Uint8Array>;
  /**
   * Leaves an output. The bytes are copied.
   * @throws Error if the step declares no such output, or wrote it before
   */
  write(output: string, bytes: Uint8Array): void;
  /** Tells how far the step is. @param fraction in [0, 1] */
  progress(fraction: number, message?: string): void;
  /**
   * A folder of the step's own. What is in it survives a kill of the whole run and is there when the very same step starts
   * again (so a long step may keep checkpoints); it is removed when the step has left its outputs, or is forced.
   */
  readonly scratch: string;
}

/** A kind's module exports one of these as `run`. It is loaded inside a Worker. */
export type StepRunner = (context: StepContext) => Promise<void>;
