import type { Event } from "../events.ts";
import { reproduce, type Reproduced, type ReproduceOptions } from "../reproduce.ts";
import { ENVIRONMENT, MODULES, tenSteps } from "./pipeline.ts";

/** A temporary folder for a test, removed at its end. */
export class TemporaryFolder implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync({ prefix: "graph-test-" });

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Reproduces the toy pipeline, or other steps, and keeps what happened. */
export async function toyRun(
  cache: string,
  options: Partial<ReproduceOptions> = {},
): Promise<Reproduced & { events: Event[] }> {
  const events: Event[] = [];
  const emit = (event: Event) => {
    events.push(event);
    options.emit?.(event);
  };
  const base = { steps: tenSteps(), environment: ENVIRONMENT, modules: MODULES, scope: "toy", jobs: 2, cache };
  return { ...await reproduce({ ...base, ...options, emit }), events };
}

/** The names of steps that were computed, sorted. */
export function computed(events: readonly Event[]): string[] {
  return events.flatMap((event) => event.type === "finished" && event.how === "computed" ? [event.step] : []).sort();
}

/** What was warned of or failed, as `step: message`. */
export function complaints(events: readonly Event[]): string[] {
  return events.flatMap((event) =>
    event.type === "warning" || event.type === "failed" ? [`${event.step}: ${event.message}`] : []
  );
}

/** The digest of every output of a run, by step and output. */
export function digests({ steps }: Pick<Reproduced, "steps">): Record<string, string> {
  const names = [...steps.keys()].sort();
  return Object.fromEntries(
    names.flatMap((name) =>
      Object.entries(steps.get(name)?.outputs ?? {}).map(([output, { digest }]) => [`${name}/${output}`, digest])
    ),
  );
}
