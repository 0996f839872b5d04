/** Ctrl-C as a signal for a run. */

/** Milliseconds in which a second SIGINT is the first one again: a terminal sends it to all its processes, and `deno task` passes it on. */
const SAME = 500;

/**
 * A signal that is aborted by the first Ctrl-C, so that a run can stop in order; another one ends the process at once (exit code
 * 130, as shells have it). It does not keep the process alive.
 *
 * After an interrupted run, end with `Deno.exit(130)`: a Worker that computes without a pause is not stopped by `terminate()`
 * (Deno 2.9.6), and would keep the process until its step ends.
 */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  Deno.addSignalListener("SIGINT", () => {
    if (controller.signal.aborted && performance.now() - first > SAME) Deno.exit(130);
    if (controller.signal.aborted) return;
    first = performance.now();
    controller.abort();
  });
  return controller.signal;
}
