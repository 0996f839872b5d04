import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "../atomic.ts";
import type { Preimage, StepKey } from "./fingerprint.ts";
import { codeOf, mendable } from "../io_errors.ts";

/** How a step was last brought up to date. */
export interface StepRecord {
  readonly key: StepKey;
  readonly preimage: Preimage;
}

interface RecordFile {
  readonly format: 1;
  readonly steps: Readonly<Record<string, StepRecord>>;
}

/**
 * The last preimage of each step, by name: what tells a person *why* a step is stale. Nothing is computed from it, so
 * a lost or unreadable file costs an explanation and no more.
 */
export class Records {
  #changed = false;

  private constructor(readonly path: string, readonly steps: Map<string, StepRecord>) {}

  /**
   * Reads the records of one scope.
   * @param folder of the cache
   * @param scope a profile's name: the same step has other parameters in another profile
   */
  static async open(folder: string, scope: string): Promise<Records> {
    const path = join(folder, "records", `${scope}.json`);
    return new Records(path, new Map(Object.entries(await readSteps(path))));
  }

  get(step: string): StepRecord | undefined {
    return this.steps.get(step);
  }

  set(step: string, record: StepRecord): void {
    if (this.steps.get(step)?.key === record.key) return;
    this.steps.set(step, record);
    this.#changed = true;
  }

  /** Writes what changed since the last time. @throws InputError if the folder cannot be written */
  async save(): Promise<void> {
    if (!this.#changed) return;
    this.#changed = false;
    const names = [...this.steps.keys()].sort();
    const steps = Object.fromEntries(names.map((name) => [name, this.steps.get(name) as StepRecord]));
    try {
      await writeAtomically(this.path, JSON.stringify({ format: 1, steps } satisfies RecordFile));
    } catch (error) {
      throw mendable(error, `Could not write "${this.path}"`, "mend that, or choose another folder with --cache DIR");
    }
  }
}

async function readSteps(path: string): Promise<Readonly<Record<string, StepRecord>>> {
  try {
    const file = JSON.parse(await readFile(path, "utf8")) as Partial<RecordFile> | null;
    return file?.format === 1 && file.steps ? file.steps : {};
  } catch (error) {
    if (codeOf(error) === "ENOENT" || error instanceof SyntaxError) return {};
    throw mendable(error, `Could not read "${path}"`, "mend that, or choose another folder with --cache DIR");
  }
}
