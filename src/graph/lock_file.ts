import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { writeAtomically } from "../atomic.ts";
import { digestFile, type FileDigest, type StepKey } from "./fingerprint.ts";
import { codeOf, mendable } from "../io_errors.ts";
import type { Outcome } from "./schedule.ts";

/** The file's name in a folder of results. */
export const LOCK_NAME = "results.lock.json";

/** Which output of which step each file of a folder of results is, by path below the folder. */
export type ResultFiles = Readonly<Record<string, { readonly step: string; readonly output: string }>>;

/** What a folder of results holds: a file's sha256, and the fingerprint of the step that made it. */
export interface ResultsLock {
  readonly format: 1;
  readonly files: Readonly<
    Record<string, { readonly sha256: FileDigest; readonly step: string; readonly fingerprint: StepKey }>
  >;
}

/** A file that is not as locked. `extra`: the lock does not name it. */
export interface Difference {
  readonly file: string;
  readonly kind: "differs" | "missing" | "extra";
}

/** The lock of the files whose steps are up to date. */
export function lockOf(files: ResultFiles, outcome: Pick<Outcome, "steps">): ResultsLock {
  const entries = Object.keys(files).sort().flatMap((file) => {
    const { step, output } = files[file] as ResultFiles[string];
    const done = outcome.steps.get(step), stored = done?.outputs[output];
    return done && stored ? [[file, { sha256: stored.digest, step, fingerprint: done.key }] as const] : [];
  });
  return { format: 1, files: Object.fromEntries(entries) };
}

/** Compares contents, file by file, sorted; fingerprints may differ where bytes are equal. */
export function compareLocks(expected: ResultsLock, actual: ResultsLock): Difference[] {
  return namesOf(expected, actual).flatMap((file): Difference[] => {
    const [old, now] = [expected.files[file], actual.files[file]];
    if (!now) return [{ file, kind: "missing" }];
    if (!old) return [{ file, kind: "extra" }];
    return old.sha256 === now.sha256 ? [] : [{ file, kind: "differs" }];
  });
}

/** Hashes the files of a folder that a lock names, and tells those that are not as locked. */
export async function checkFolder(folder: string, lock: ResultsLock): Promise<Difference[]> {
  const out: Difference[] = [];
  for (const file of Object.keys(lock.files).sort()) {
    const digest = await digestIfThere(join(folder, file));
    if (digest === null) out.push({ file, kind: "missing" });
    else if (digest !== lock.files[file]?.sha256) out.push({ file, kind: "differs" });
  }
  return out;
}

/** The digest of a file, or null if there is none. */
export async function digestIfThere(path: string): Promise<FileDigest | null> {
  try {
    return await digestFile(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EISDIR"].includes(codeOf(error))) return null;
    throw mendable(error, `Could not read "${path}"`, "mend that, or choose another folder with --results DIR");
  }
}

/**
 * Reads a folder's lock; null if it has none.
 * @throws InputError if the file is not a lock
 */
export async function readLock(folder: string): Promise<ResultsLock | null> {
  const path = join(folder, LOCK_NAME);
  let text;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw mendable(error, `Could not read "${path}"`, "mend that, or choose another folder with --results DIR");
  }
  try {
    const lock = JSON.parse(text) as Partial<ResultsLock> | null;
    if (lock?.format === 1 && typeof lock.files === "object" && lock.files !== null) return lock as ResultsLock;
  } catch {
    // Told below.
  }
  throw new InputError(`Could not read "${path}": expected a lock of format 1; delete it and run again`);
}

/** Writes a folder's lock, sorted, if it changed. */
export async function writeLock(folder: string, lock: ResultsLock): Promise<void> {
  const text = `${JSON.stringify(sortLock(lock), null, 2)}\n`, path = join(folder, LOCK_NAME);
  const before = await readFile(path, "utf8").catch(() => null);
  if (before !== text) await writeAtomically(path, text);
}

/** The same lock in the one order in which it is written. */
export function sortLock(lock: ResultsLock): ResultsLock {
  const files = Object.keys(lock.files).sort().map((file) => {
    const { step, fingerprint, sha256 } = lock.files[file] as ResultsLock["files"][string];
    return [file, { step, fingerprint, sha256 }] as const;
  });
  return { format: 1, files: Object.fromEntries(files) };
}

function namesOf(a: ResultsLock, b: ResultsLock): string[] {
  return [...new Set([...Object.keys(a.files), ...Object.keys(b.files)])].sort();
}
