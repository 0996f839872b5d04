/** Runs steps inside a Worker, one at a time. Modules of kinds are loaded when first asked for, and stay. */

import type { Step, StepContext, StepRunner } from "./step.ts";
import type { FromWorker, ToWorker } from "./worker_protocol.ts";

// onnxruntime-web takes a defined `location` for a browser's and fails to resolve its files against "null".
Object.defineProperty(globalThis, "location", { value: undefined, configurable: true, writable: true });
// An exit would end this Worker without a word to the one who waits for its step.
Deno.exit = (code) => {
  throw new Error(`A step may not exit (code ${code ?? 0}): throw an error instead`);
};

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker, transfer?: Transferable[]): void;
};

interface Answer {
  resolve(bytes: Uint8Array): void;
  reject(error: Error): void;
}

let reads = 0;
const waiting = new Map<number, Answer>();

addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  scope.postMessage({ type: "died", ...describe(event.reason) });
});
addEventListener("error", (event) => {
  event.preventDefault();
  scope.postMessage({ type: "died", ...describe(event.error) });
});

scope.onmessage = ({ data: message }) => {
  if (message.type === "run") return void runJob(message);
  const answer = waiting.get(message.read);
  waiting.delete(message.read);
  if (message.type === "input") answer?.resolve(message.bytes);
  else answer?.reject(new Error(message.message));
};

async function runJob({ job, step, module, scratch }: ToWorker & { type: "run" }): Promise<void> {
  try {
    const run = await loadRunner(step.kind, module);
    const outputs = new Map<string, Uint8Array<ArrayBuffer>>();
    await run(contextOf(job, step, scratch, outputs));
    scope.postMessage(
      { type: "result", job, outputs: [...outputs] },
      [...outputs.values()].map((bytes) => bytes.buffer),
    );
  } catch (error) {
    scope.postMessage({ type: "error", job, ...describe(error) });
  }
}

function describe(error: unknown): { message: string; trace?: string } {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  // The name tells: classes are not shared between Workers, nor always between a kind's module and this one.
  const mendable = name === "InputError" || name === "UsageError";
  return { message, ...(mendable || !stack ? {} : { trace: stack }) };
}

async function loadRunner(kind: string, module: string): Promise<StepRunner> {
  const { run } = await import(module) as { run?: StepRunner };
  if (typeof run === "function") return run;
  throw new Error(`Could not run kind "${kind}": module "${module}" does not export a function "run"`);
}

function contextOf(job: number, step: Step, scratch: string, outputs: Map<string, Uint8Array>): StepContext {
  return {
    step,
    scratch,
    read(role) {
      return new Promise((resolve, reject) => {
        if (!Object.hasOwn(step.inputs, role)) {
          return reject(new Error(unknown(step, "input", role, Object.keys(step.inputs))));
        }
        const read = ++reads;
        waiting.set(read, { resolve, reject });
        scope.postMessage({ type: "read", job, read, role });
      });
    },
    write(output, bytes) {
      if (!step.outputs.includes(output)) throw new Error(unknown(step, "output", output, step.outputs));
      if (outputs.has(output)) throw new Error(`Step "${step.name}" wrote output "${output}" twice`);
      outputs.set(output, new Uint8Array(bytes));
    },
    progress(fraction, message) {
      scope.postMessage({ type: "progress", job, fraction, ...(message === undefined ? {} : { message }) });
    },
  };
}

function unknown(step: Step, what: string, name: string, declared: readonly string[]): string {
  return `Step "${step.name}" declares no ${what} "${name}": expected one of ${declared.join(", ")}`;
}
