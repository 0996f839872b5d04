import { readFile } from "node:fs/promises";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { writeAtomically } from "../atomic.ts";
import { mendable } from "../io_errors.ts";

/** Who runs steps, and which. */
export interface Holder {
  /** Null in the instant before the process has told. */
  readonly pid: number | null;
  readonly steps: readonly string[];
}

/**
 * One run at a time per cache, so that no step is computed twice. The operating system holds the lock on an open file and
 * lets go of it when the process ends, however it ends: a killed run leaves nothing to clean up.
 */
export class RunLock implements AsyncDisposable {
  #writing: Promise<void> = Promise.resolve();

  private constructor(readonly folder: string, readonly file: Deno.FsFile) {}

  /** @throws InputError if another run holds the lock (it names the process), or the folder cannot be written */
  static async acquire(folder: string): Promise<RunLock> {
    const file = openLock(folder);
    // A look of `whoRuns` holds the lock for an instant.
    for (let attempt = 0; attempt < 5; attempt++) {
      if (await file.tryLock(true)) {
        const lock = new RunLock(folder, file);
        await lock.announce([]);
        return lock;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    file.close();
    const { pid } = await readHolder(folder);
    const who = pid === null ? "another process" : `process ${pid}`;
    throw new InputError(
      `Could not start a run: ${who} is running steps in the cache "${folder}"; wait for it to end, or choose another ` +
        "folder with --cache DIR",
    );
  }

  /** Tells other processes what is running. */
  announce(steps: readonly string[]): Promise<void> {
    const holder: Holder = { pid: Deno.pid, steps };
    this.#writing = this.#writing.then(() => writeAtomically(holderPath(this.folder), JSON.stringify(holder)))
      .catch(() => {}); // Only others' status lines are made of it.
    return this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.file.unlock();
    this.file.close();
  }
}

/** Who is running steps in a cache now; null if nobody is. @throws InputError if the folder cannot be read */
export async function whoRuns(folder: string): Promise<Holder | null> {
  let file;
  try {
    file = Deno.openSync(lockPath(folder), { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw mendable(
      error,
      `Could not read the cache "${folder}"`,
      "mend that, or choose another folder with --cache DIR",
    );
  }
  try {
    if (!await file.tryLock(false)) return await readHolder(folder);
    await file.unlock();
    return null;
  } finally {
    file.close();
  }
}

function openLock(folder: string): Deno.FsFile {
  try {
    mkdirSync(folder, { recursive: true });
    return Deno.openSync(lockPath(folder), { create: true, read: true, write: true });
  } catch (error) {
    throw mendable(
      error,
      `Could not write the cache "${folder}"`,
      "mend that, or choose another folder with --cache DIR",
    );
  }
}

async function readHolder(folder: string): Promise<Holder> {
  try {
    return JSON.parse(await readFile(holderPath(folder), "utf8")) as Holder;
  } catch {
    return { pid: null, steps: [] };
  }
}

function lockPath(folder: string): string {
  return join(folder, "run.lock");
}

/** Apart from the lock, because a locked file cannot be read on every operating system. */
function holderPath(folder: string): string {
  return join(folder, "run.json");
}
