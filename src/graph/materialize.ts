import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "../atomic.ts";
import { mendable } from "../io_errors.ts";
import {
  digestIfThere,
  lockOf,
  readLock,
  type ResultFiles,
  type ResultsLock,
  sortLock,
  writeLock,
} from "./lock_file.ts";
import type { Outcome } from "./schedule.ts";
import type { Store } from "./store.ts";

export interface MaterializeOptions {
  readonly store: Store;
  readonly outcome: Pick<Outcome, "steps">;
  /** Where results go. */
  readonly folder: string;
  readonly files: ResultFiles;
  /** `files` is all that the folder should hold: what an earlier run put there besides is removed. */
  readonly complete: boolean;
}

/** What happened to the folder; paths below it, sorted. */
export interface Materialized {
  readonly lock: ResultsLock;
  readonly written: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Copies results out of the store, and locks them. Each file is replaced whole; one that has the right bytes is not touched,
 * and one whose step did not end well stays as it was.
 * @throws DamagedOutput if the store's copy of a result is damaged
 * @throws InputError if the folder cannot be written
 */
export async function materialize(options: MaterializeOptions): Promise<Materialized> {
  const { store, outcome, folder, files, complete } = options;
  const fresh = lockOf(files, outcome), before = await readLock(folder);
  const written: string[] = [], removed: string[] = [];
  const kept = Object.entries(before?.files ?? {}).filter(([file]) => !complete || file in files);
  try {
    for (const [file, { sha256 }] of Object.entries(fresh.files)) {
      const path = join(folder, file);
      if (await digestIfThere(path) === sha256) continue;
      await writeAtomically(path, await store.read(sha256));
      written.push(file);
    }
    for (const file of Object.keys(before?.files ?? {}).sort()) {
      if (!complete || file in files) continue;
      await rm(join(folder, file), { force: true });
      removed.push(file);
    }
    const lock = sortLock({ format: 1, files: { ...Object.fromEntries(kept), ...fresh.files } });
    await writeLock(folder, lock);
    return { lock, written, removed };
  } catch (error) {
    throw unwritable(folder, error);
  }
}

/**
 * Makes sure that a folder can be written before anything is computed for it, by writing to it.
 * @throws InputError if it cannot
 */
export async function checkWritable(folder: string): Promise<void> {
  const probe = join(folder, ".writable");
  try {
    await writeAtomically(probe, "");
    await rm(probe);
  } catch (error) {
    throw unwritable(folder, error);
  }
}

function unwritable(folder: string, error: unknown): unknown {
  return mendable(
    error,
    `Could not write results to "${folder}"`,
    "mend that, or choose another folder with --results DIR",
  );
}
