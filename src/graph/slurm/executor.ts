/** Runs steps as jobs of a Slurm cluster, whose machines share the folder of the cache and this program's. */
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { writeAtomically } from "../../atomic.ts";
import { type Run, runner } from "../../programs.ts";
import { type Executor, type Job, StepFailure } from "../executor.ts";
import { digestBytes, type FileDigest } from "../fingerprint.ts";
import { digestIfThere } from "../lock_file.ts";
import type { Step } from "../step.ts";
import { WorkerPool } from "../worker_pool.ts";
import { cancel, stateOf, submit } from "./commands.ts";
import { filesIn, INPUTS, type Progress, type Request, type Result } from "./folder.ts";

export interface SlurmOptions {
  /** Jobs at most, waiting ones included. */
  readonly slots: number;
  /** URL of the module of each kind of step. */
  readonly modules: Readonly<Record<string, string>>;
  /** Folder of the cache: jobs find their inputs and leave their outputs under it. */
  readonly cache: string;
  /** Which steps are worth a job; the others run here. */
  readonly isLong: (step: Step) => boolean;
  /** Which steps need a GPU. */
  readonly needsGpu: (step: Step) => boolean;
  /** Milliseconds between two looks at a job's folder [1000]. */
  readonly pace?: number;
  /** Looks in a row at a job that ended and left no result, before it counts as lost [5]: shared folders lag behind. */
  readonly patience?: number;
  readonly run?: Run;
}

const STOPPED = "The run was stopped";

const JOB = fileURLToPath(new URL("./job.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../../deno.json", import.meta.url));

/** Looks at a job's folder for each question to Slurm, whose controller everybody asks. */
const LOOKS_PER_QUESTION = 10;

export class SlurmExecutor implements Executor {
  readonly slots: number;
  /** Jobs get what they need from Slurm, not from this machine. */
  readonly sharesMachine = false;
  readonly #options: Required<SlurmOptions>;
  readonly #here: WorkerPool;
  readonly #runningHere = new Set<Promise<void>>();
  readonly #jobs = new Set<string>();
  #preparing: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: SlurmOptions) {
    this.slots = options.slots;
    this.#options = { pace: 1000, patience: 5, run: runner(), ...options };
    const { modules, cache } = options, scratch = join(cache, "scratch");
    this.#here = new WorkerPool({ slots: options.slots, modules, scratch });
  }

  async run(job: Job): Promise<ReadonlyMap<string, Uint8Array>> {
    if (!this.#options.isLong(job.step)) return await this.#runHere(job);
    const folder = resolve(this.#options.cache, "slurm", job.key), files = filesIn(folder);
    const id = (job.afresh ? null : await this.#leftBehind(folder)) ?? await this.#submit(folder, job);
    try {
      const result = await this.#resultOf(id, folder, job);
      if (result.kind === "failed") throw new StepFailure(result.message, result.trace);
      const outputs = new Map<string, Uint8Array>();
      for (const [place, name] of result.outputs.entries()) {
        outputs.set(name, await Deno.readFile(files.output(place)));
      }
      await rm(folder, { recursive: true, force: true });
      return outputs;
    } finally {
      this.#jobs.delete(id);
    }
  }

  /** What is too short for a job: no more of them at once than this machine has cores. */
  async #runHere(job: Job): Promise<ReadonlyMap<string, Uint8Array>> {
    while (this.#runningHere.size >= navigator.hardwareConcurrency) await Promise.race(this.#runningHere);
    const running = this.#here.run(job), ended = running.then(() => {}, () => {});
    this.#runningHere.add(ended);
    return await running.finally(() => this.#runningHere.delete(ended));
  }

  /** The job of this very step that an earlier run submitted before it was killed, if a result may come of it. */
  async #leftBehind(folder: string): Promise<string | null> {
    const files = filesIn(folder), id = await Deno.readTextFile(files.id).catch(() => null);
    if (id === null) return null;
    const { alive } = await stateOf(this.#options.run, id), result = await readJson<Result>(files.result);
    if (result?.kind !== "done" && (result !== null || !alive)) return null;
    this.#jobs.add(id);
    return id;
  }

  async #submit(folder: string, job: Job): Promise<string> {
    const { run, needsGpu } = this.#options, files = filesIn(folder);
    await rm(folder, { recursive: true, force: true });
    // One after the other: each reads its inputs whole, and a checkpoint is large.
    const prepared = this.#preparing.then(() => this.#prepare(folder, job));
    this.#preparing = prepared.catch(() => {});
    await prepared;
    if (this.#closed) throw new StepFailure(STOPPED);
    const id = await submit(run, job.step.name, files.script, files.log, needsGpu(job.step));
    this.#jobs.add(id);
    // Nobody else would end it if the run was stopped meanwhile.
    if (this.#closed) await cancel(run, [id]);
    await writeAtomically(files.id, id);
    return id;
  }

  /** Everything that the job needs, in its folder. */
  async #prepare(folder: string, { step, key, afresh = false, read }: Job): Promise<void> {
    const { modules, cache } = this.#options, files = filesIn(folder);
    const inputs: Record<string, FileDigest> = {};
    for (const role of Object.keys(step.inputs)) {
      const bytes = await read(role), digest = digestBytes(bytes), path = files.input(digest);
      inputs[role] = digest;
      if (await digestIfThere(path) !== digest) await writeAtomically(path, bytes);
    }
    const scratch = resolve(cache, "scratch"), module = modules[step.kind]!;
    const request: Request = { step, key, afresh, inputs, module, scratch };
    await writeAtomically(files.request, JSON.stringify(request));
    const command = [Deno.execPath(), "run", "-A", "--no-check", "--config", CONFIG, JOB, folder].map(quoted).join(" ");
    await writeAtomically(files.script, `#!/bin/sh\nexec ${command}\n`);
  }

  /** Waits for what the job leaves, telling how far it is. */
  async #resultOf(id: string, folder: string, { progress }: Job): Promise<Result> {
    const { pace, patience, run } = this.#options, files = filesIn(folder);
    let lost = 0, told = "";
    for (let look = 1;; look++) {
      await new Promise((resolve) => setTimeout(resolve, pace));
      if (this.#closed) throw new StepFailure(STOPPED);
      const result = await readJson<Result>(files.result);
      if (result) return result;
      const now = await readJson<Progress>(files.progress);
      if (now && JSON.stringify(now) !== told) progress(now.fraction, now.message);
      told = JSON.stringify(now);
      if (lost === 0 && look % LOOKS_PER_QUESTION !== 0) continue;
      const { state, alive } = await stateOf(run, id);
      lost = alive ? 0 : lost + 1;
      if (lost > patience) {
        throw new StepFailure(`Slurm's job ${id} ended (${state}) without a result: see ${files.log}`);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#here.close();
    await cancel(this.#options.run, [...this.#jobs]);
    await rm(join(this.#options.cache, "slurm", INPUTS), { recursive: true, force: true });
  }
}

/** A word of a shell's command line. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Null where there is no such file, or not yet all of it. */
async function readJson<T>(path: string): Promise<T | null> {
  try {
    return JSON.parse(await Deno.readTextFile(path)) as T;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return null;
    throw error;
  }
}
