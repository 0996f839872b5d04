import { readFile, stat } from "node:fs/promises";
import { InputError } from "../errors.ts";
import type { Emit } from "./events.ts";
import type { Executor } from "./executor.ts";
import { digestBytes, digestFile, type FileDigest, keyOf, type Preimage, type StepKey } from "./fingerprint.ts";
import { type Plan, resolve } from "./plan.ts";
import type { Step } from "./step.ts";
import { DamagedOutput, type Manifest, type Store } from "./store.ts";

/** `damaged`: a stored input turned out unreadable, and the steps that make it must run again first. */
export type StepResult =
  | {
    readonly kind: "done";
    readonly how: "cached" | "computed";
    readonly key: StepKey;
    readonly preimage: Preimage;
    readonly outputs: Manifest;
    readonly seconds: number;
  }
  | { readonly kind: "damaged"; readonly producers: readonly string[] };

export interface RunStepOptions {
  readonly plan: Plan;
  readonly store: Store;
  readonly executor: Executor;
  readonly emit: Emit;
  /** Run even if the store has the outputs. */
  readonly force: boolean;
  /** What each step this one needs left. */
  manifestOf(step: string): Manifest;
}

/**
 * Brings one step up to date: from the store, or by running it and keeping what it wrote.
 * @throws StepFailure if its code fails
 * @throws InputError if an input file changed, or the store cannot be used
 */
export async function runStep(step: Step, options: RunStepOptions): Promise<StepResult> {
  const { plan, store, executor, emit, force, manifestOf } = options;
  const preimage = resolve(step, plan.environment, manifestOf), key = keyOf(preimage);
  const found = await store.get(key);
  if (found.kind === "hit" && !force) {
    return { kind: "done", how: "cached", key, preimage, outputs: found.outputs, seconds: 0 };
  }
  if (found.kind === "damaged") warn(`its stored output "${found.output}" is missing or damaged: running it again`);

  emit({ type: "started", step: step.name });
  const begun = performance.now(), files = await watchFiles(step), damaged = new Set<string>();
  const read = async (role: string) => {
    const input = step.inputs[role];
    if (!input) throw new Error(`Step "${step.name}" declares no input "${role}"`);
    if ("file" in input) return await readInputFile(step, input.file, input.digest);
    try {
      return await store.read(preimage.inputs[role] as FileDigest);
    } catch (error) {
      if (error instanceof DamagedOutput) damaged.add(input.step);
      throw error;
    }
  };
  let written;
  try {
    written = await executor.run({ step, key, afresh: force, read, progress });
  } catch (error) {
    if (damaged.size > 0) return { kind: "damaged", producers: [...damaged] };
    throw error;
  }
  checkOutputs(step, written);
  for (const file of await files.changed()) {
    warn(`"${file}" changed while it ran: its outputs are of the earlier bytes, run again`);
  }
  const outputs = await store.put(key, written);
  if (found.kind === "hit" && !sameOutputs(found.outputs, outputs)) {
    warn("it wrote other bytes than before from the same inputs");
  }
  return { kind: "done", how: "computed", key, preimage, outputs, seconds: (performance.now() - begun) / 1000 };

  function progress(fraction: number, message?: string): void {
    const clamped = Math.min(1, Math.max(0, fraction)) || 0;
    emit({ type: "progress", step: step.name, fraction: clamped, ...(message === undefined ? {} : { message }) });
  }

  function warn(message: string): void {
    emit({ type: "warning", step: step.name, message });
  }
}

async function readInputFile(step: Step, file: string, digest: FileDigest): Promise<Uint8Array<ArrayBuffer>> {
  let bytes;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new InputError(`Could not read "${file}", an input of step "${step.name}": ${cause}`);
  }
  if (digestBytes(bytes) !== digest) {
    throw new InputError(`"${file}", an input of step "${step.name}", changed after the run was planned: run again`);
  }
  return bytes as Uint8Array<ArrayBuffer>;
}

function checkOutputs(step: Step, written: ReadonlyMap<string, Uint8Array>): void {
  for (const output of step.outputs) {
    if (!written.has(output)) throw new Error(`Step "${step.name}" ended without writing its output "${output}"`);
  }
  for (const output of written.keys()) {
    if (!step.outputs.includes(output)) {
      throw new Error(`Step "${step.name}" wrote "${output}", which it does not declare`);
    }
  }
}

/** Watches a step's input files from now on; a file is hashed again only if its size or time changed. */
async function watchFiles(step: Step) {
  const inputs = Object.values(step.inputs).flatMap((input) => "file" in input ? [input] : []);
  const before = await Promise.all(inputs.map(({ file }) => stampOf(file)));
  return {
    async changed(): Promise<string[]> {
      const out: string[] = [];
      for (const [i, { file, digest }] of inputs.entries()) {
        const now = await stampOf(file);
        if (now !== before[i] && (now === null || await digestFile(file) !== digest)) out.push(file);
      }
      return out;
    },
  };
}

async function stampOf(file: string): Promise<string | null> {
  try {
    const { size, mtimeMs, ino } = await stat(file);
    return `${size} ${mtimeMs} ${ino}`;
  } catch {
    return null; // Gone: reading it tells why.
  }
}

function sameOutputs(a: Manifest, b: Manifest): boolean {
  return Object.keys(a).every((output) => a[output]?.digest === b[output]?.digest);
}
