/**
 * A signal that is aborted by the first Ctrl-C, so that a run can stop in order; the second one ends the process at once
 * (exit code 130, as shells have it). It does not keep the process alive.
 *
 * After an interrupted run, end with `Deno.exit(130)`: a Worker that computes without a pause is not stopped by
 * `terminate()` (Deno 2.9.6), and would keep the process until its step ends.
 */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  Deno.addSignalListener("SIGINT", () => {
    if (controller.signal.aborted) Deno.exit(130);
    controller.abort();
  });
  return controller.signal;
}
