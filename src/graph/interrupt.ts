/**
 * A signal that is aborted by the first Ctrl-C, so that a run can stop in order; the second one ends the process at once
 * (exit code 130, as shells have it). It does not keep the process alive.
 */
export function abortOnInterrupt(): AbortSignal {
  const controller = new AbortController();
  Deno.addSignalListener("SIGINT", () => {
    if (controller.signal.aborted) Deno.exit(130);
    controller.abort();
  });
  return controller.signal;
}
