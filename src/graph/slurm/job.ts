/** A job of a cluster: runs one step, from the folder that it is given. */
import { writeAtomically } from "../../atomic.ts";
import { StepFailure } from "../executor.ts";
import { digestBytes } from "../fingerprint.ts";
import { WorkerPool } from "../worker_pool.ts";
import { filesIn, type Progress, type Request, type Result } from "./folder.ts";

/** Milliseconds between two notes of progress. */
const PACE = 1000;

const files = filesIn(Deno.args[0]!);
const { step, key, afresh, inputs, module, scratch } = JSON.parse(await Deno.readTextFile(files.request)) as Request;
let noted = -Infinity;

/** An input, checked: it may have lain there for days. */
async function read(role: string): Promise<Uint8Array<ArrayBuffer>> {
  const digest = inputs[role]!, path = files.input(digest), bytes = await Deno.readFile(path);
  if (digestBytes(bytes) !== digest) throw new Error(`"${path}" is damaged: run again, which lays it down anew`);
  return bytes;
}

/** Progress is only told: a note that cannot be written does no harm. */
function note(fraction: number, message?: string): void {
  if (performance.now() - noted < PACE) return;
  noted = performance.now();
  const progress: Progress = { fraction, ...(message !== undefined && { message }) };
  writeAtomically(files.progress, JSON.stringify(progress)).catch(() => {});
}

async function run(): Promise<Result> {
  const pool = new WorkerPool({ slots: 1, modules: { [step.kind]: module }, scratch });
  try {
    const written = [...await pool.run({ step, key, afresh, read, progress: note })];
    for (const [place, [, bytes]] of written.entries()) await Deno.writeFile(files.output(place), bytes);
    return { kind: "done", outputs: written.map(([name]) => name) };
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    return { kind: "failed", message: error.message, ...(error.trace !== undefined && { trace: error.trace }) };
  }
}

await writeAtomically(files.result, JSON.stringify(await run()));
Deno.exit(0); // A worker in the middle of something would keep the process alive.
