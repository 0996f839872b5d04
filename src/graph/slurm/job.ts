/** A job of a cluster: runs one step, from the folder that it is given. */
import { writeAtomically } from "../../atomic.ts";
import { StepFailure } from "../executor.ts";
import { WorkerPool } from "../worker_pool.ts";
import {
  inputIn,
  outputIn,
  type Progress,
  progressIn,
  type Request,
  requestIn,
  type Result,
  resultIn,
} from "./folder.ts";

/** Milliseconds between two notes of progress. */
const PACE = 1000;

const folder = Deno.args[0]!;
const { step, key, afresh, module, scratch } = JSON.parse(await Deno.readTextFile(requestIn(folder))) as Request;
const roles = Object.keys(step.inputs);
let noted = -Infinity;

/** Progress is only told: a note that cannot be written does no harm. */
function note(fraction: number, message?: string): void {
  if (performance.now() - noted < PACE) return;
  noted = performance.now();
  const progress: Progress = { fraction, ...(message !== undefined && { message }) };
  writeAtomically(progressIn(folder), JSON.stringify(progress)).catch(() => {});
}

async function run(): Promise<Result> {
  const pool = new WorkerPool({ slots: 1, modules: { [step.kind]: module }, scratch });
  try {
    const read = (role: string) => Deno.readFile(inputIn(folder, roles.indexOf(role)));
    const written = [...await pool.run({ step, key, afresh, read, progress: note })];
    for (const [place, [, bytes]] of written.entries()) await Deno.writeFile(outputIn(folder, place), bytes);
    return { kind: "done", outputs: written.map(([name]) => name) };
  } catch (error) {
    if (!(error instanceof StepFailure)) throw error;
    return { kind: "failed", message: error.message, ...(error.trace !== undefined && { trace: error.trace }) };
  }
}

await writeAtomically(resultIn(folder), JSON.stringify(await run()));
Deno.exit(0); // A worker in the middle of something would keep the process alive.
