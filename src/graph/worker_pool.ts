import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Executor, type Job, StepFailure } from "./executor.ts";
import type { StepKey } from "./fingerprint.ts";
import { mendable } from "../io_errors.ts";
import type { Step } from "./step.ts";
import type { FromWorker, ToWorker } from "./worker_protocol.ts";

export interface WorkerPoolOptions {
  /** Workers at most. They start when first needed and are kept, so that what their modules set up stays warm. */
  readonly slots: number;
  /** URL of the module of each kind of step. */
  readonly modules: Readonly<Record<string, string>>;
  /** Folder under which steps get scratch folders. */
  readonly scratch: string;
}

const STOPPED = "The run was stopped";

/** Runs steps in Workers of this process. */
export class WorkerPool implements Executor {
  readonly slots: number;
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Set<PooledWorker>();
  #closed = false;

  constructor(options: WorkerPoolOptions) {
    this.slots = options.slots;
    this.#options = options;
  }

  async run(job: Job): Promise<ReadonlyMap<string, Uint8Array>> {
    const module = this.#options.modules[job.step.kind];
    if (module === undefined) throw new Error(`Could not run step "${job.step.name}": unknown kind "${job.step.kind}"`);
    const worker = this.#pick(job.step);
    worker.busy = true;
    const scratch = this.#scratchOf(job.key);
    try {
      if (job.afresh) await rm(scratch, { recursive: true, force: true });
      await this.#make(scratch);
      if (this.#closed) throw new StepFailure(STOPPED);
      const outputs = await worker.run(job, module, scratch);
      // A step that is stopped, or fails for want of memory, leaves the folder: it may go on from there.
      await rm(scratch, { recursive: true, force: true });
      return outputs;
    } finally {
      worker.busy = false;
      if (worker.dead) this.#workers.delete(worker);
    }
  }

  warm(): { idle: Set<string>; busy: Set<string> } {
    const of = (busy: boolean) =>
      new Set([...this.#workers].flatMap((w) => w.busy === busy && !w.dead && w.affinity ? [w.affinity] : []));
    return { idle: of(false), busy: of(true) };
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const worker of this.#workers) worker.kill(STOPPED);
    this.#workers.clear();
    return Promise.resolve();
  }

  async #make(scratch: string): Promise<void> {
    try {
      await mkdir(scratch, { recursive: true });
    } catch (error) {
      throw mendable(error, `Could not write "${scratch}"`, "mend that, or choose another folder with --cache DIR");
    }
  }

  #scratchOf(key: StepKey): string {
    return join(this.#options.scratch, key);
  }

  /** An idle worker, if possible one of the step's affinity, or that has loaded its kind's module; else a new one. */
  #pick({ kind, affinity }: Step): PooledWorker {
    for (const worker of this.#workers) if (worker.dead) this.#workers.delete(worker);
    const idle = [...this.#workers].filter((worker) => !worker.busy);
    const warm = affinity === undefined ? undefined : idle.find((worker) => worker.affinity === affinity);
    const found = warm ?? idle.find((worker) => worker.kinds.has(kind)) ?? idle[0];
    if (found) return found;
    const worker = new PooledWorker();
    this.#workers.add(worker);
    return worker;
  }
}

/** A Worker with the job it runs. */
class PooledWorker {
  busy = false;
  dead = false;
  readonly kinds = new Set<string>();
  /** Of the last step that had one. */
  affinity: string | undefined;
  readonly #worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  #jobs = 0;
  #job: Job | null = null;
  #end: PromiseWithResolvers<ReadonlyMap<string, Uint8Array>> | null = null;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#hear(data);
    this.#worker.onmessageerror = () => this.kill("A message of its worker could not be read");
    this.#worker.onerror = (event) => {
      event.preventDefault(); // Else the whole process ends.
      this.kill(event.message);
    };
  }

  run(job: Job, module: string, scratch: string): Promise<ReadonlyMap<string, Uint8Array>> {
    this.kinds.add(job.step.kind);
    this.affinity = job.step.affinity ?? this.affinity;
    this.#job = job;
    this.#jobs++;
    this.#end = Promise.withResolvers();
    this.#worker.postMessage({ type: "run", job: this.#jobs, step: job.step, module, scratch } satisfies ToWorker);
    return this.#end.promise;
  }

  /** Ends the Worker; what it runs fails with the message. */
  kill(message: string, trace?: string): void {
    this.dead = true;
    this.#worker.terminate();
    this.#finish()?.reject(new StepFailure(message, trace));
  }

  #hear(message: FromWorker): void {
    if (message.type === "died") return this.kill(`Nobody caught: ${message.message}`, message.trace);
    const job = this.#job;
    if (!job || message.job !== this.#jobs) return;
    if (message.type === "read") this.#answer(job, message.job, message.read, message.role);
    else if (message.type === "progress") job.progress(message.fraction, message.message);
    else if (message.type === "result") this.#finish()?.resolve(new Map(message.outputs));
    else this.#finish()?.reject(new StepFailure(message.message, message.trace));
  }

  async #answer(source: Job, job: number, read: number, role: string): Promise<void> {
    let reply: ToWorker;
    const given: Transferable[] = [];
    try {
      const bytes = await source.read(role);
      reply = { type: "input", job, read, bytes };
      // A view of a larger buffer is copied instead: others may hold the rest.
      if (bytes.byteLength === bytes.buffer.byteLength) given.push(bytes.buffer);
    } catch (error) {
      reply = { type: "input-failed", job, read, message: error instanceof Error ? error.message : String(error) };
    }
    if (!this.dead) this.#worker.postMessage(reply, given);
  }

  #finish() {
    const end = this.#end;
    this.#job = this.#end = null;
    return end;
  }
}
