import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { canonicalText } from "./canonical.ts";
import type { Json, Step } from "./step.ts";

/** sha256 of a file's bytes, in lower-case hexadecimal. */
export type FileDigest = string & { readonly __brand: "FileDigest" };

/** sha256 of a step's preimage, in lower-case hexadecimal: what its outputs are stored under. */
export type StepKey = string & { readonly __brand: "StepKey" };

/** Versions of what runs the steps. A change of one makes stale the steps that it could change, and no others. */
export interface Environment {
  /** For every step, e.g. `{ deno: "2.9.6" }`. */
  readonly common: Readonly<Record<string, string>>;
  /** For the steps of one engine, e.g. `{ portable: { "onnxruntime-web": "1.30.0" } }`. */
  readonly engines: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** All that a step's outputs depend on. The digests of inputs stand in for the steps that made them: equal bytes, equal key. */
export interface Preimage {
  readonly tag: "step";
  /** Of this format. */
  readonly format: 1;
  readonly kind: string;
  readonly version: number;
  readonly parameters: Json;
  readonly inputs: Readonly<Record<string, FileDigest>>;
  readonly outputs: readonly string[];
  readonly engine: string | null;
  readonly environment: Readonly<Record<string, string>>;
}

/** @throws TypeError if the text is not 64 hexadecimal digits in lower case */
export function asFileDigest(text: string): FileDigest {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new TypeError(`"${text}" is not a sha256: expected 64 hexadecimal digits`);
  return text as FileDigest;
}

export function digestBytes(bytes: Uint8Array): FileDigest {
  return createHash("sha256").update(bytes).digest("hex") as FileDigest;
}

/** Hashes a file piece by piece. @throws the file system's error */
export async function digestFile(path: string): Promise<FileDigest> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex") as FileDigest;
}

/**
 * Gathers what a step depends on.
 * @param inputs the digest of each input, by role
 * @throws Error if the environment does not know the step's engine
 */
export function preimageOf(
  step: Step,
  inputs: Readonly<Record<string, FileDigest>>,
  environment: Environment,
): Preimage {
  const identity = step.engine === undefined ? {} : environment.engines[step.engine];
  if (!identity) throw new Error(`Could not fingerprint step "${step.name}": unknown engine "${step.engine}"`);
  return {
    tag: "step",
    format: 1,
    kind: step.kind,
    version: step.version,
    parameters: step.parameters,
    inputs,
    outputs: [...step.outputs].sort(),
    engine: step.engine ?? null,
    environment: { ...environment.common, ...identity },
  };
}

/** @throws TypeError if a parameter is not JSON */
export function keyOf(preimage: Preimage): StepKey {
  const text = canonicalText(preimage as unknown as Json);
  return createHash("sha256").update(text).digest("hex") as StepKey;
}
