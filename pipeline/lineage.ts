/** Where a file of results comes from: the steps behind it, their settings, data and code, as plan, store and lock know them. */
import { join } from "node:path";
import { InputError } from "../src/errors.ts";
import type { Environment, FileDigest, StepKey } from "../src/graph/fingerprint.ts";
import { digestIfThere, readLock } from "../src/graph/lock_file.ts";
import type { StepState } from "../src/graph/plan.ts";
import { inspect, type Target } from "../src/graph/reproduce.ts";
import type { Json, Step } from "../src/graph/step.ts";
import { resultFiles } from "./paper.ts";

/** An input of a step. Its digest is null while it has not been made here. */
export interface Origin {
  /** The step that makes it, or the file it is. */
  readonly from: string;
  readonly digest: FileDigest | null;
}

export interface StepLineage {
  readonly step: string;
  readonly kind: string;
  readonly version: number;
  readonly engine: string | null;
  readonly parameters: Json;
  readonly inputs: Readonly<Record<string, Origin>>;
  readonly state: StepState["kind"];
  /** Null while an input has not been made here. */
  readonly fingerprint: StepKey | null;
}

export interface Lineage {
  readonly file: string;
  /** Of the file as it is; null if it is not there. */
  readonly sha256: FileDigest | null;
  /** What the lock of the results says; null if it does not name the file. */
  readonly locked: { readonly sha256: FileDigest; readonly fingerprint: StepKey } | null;
  /** The step that makes it, by name. */
  readonly step: string;
  readonly environment: Environment;
  /** Every step behind it, each after what it needs. */
  readonly steps: readonly StepLineage[];
}

/**
 * The lineage of one file.
 * @param results folder of the profile's results
 * @param file path below it
 * @throws InputError for a file that no step makes
 */
export async function lineageOf(target: Target, results: string, file: string): Promise<Lineage> {
  const files = resultFiles(target.steps), made = Object.hasOwn(files, file) ? files[file] : undefined;
  if (!made) {
    throw new InputError(
      `Cannot tell the lineage of "${join(results, file)}": no step makes it; expected a file such as "${
        join(results, Object.keys(files)[0] ?? "")
      }"`,
    );
  }
  const plan = await inspect({ ...target, only: [made.step] }), lock = await readLock(results);
  const { sha256, fingerprint } = lock?.files[file] ?? {};
  return {
    file: join(results, file),
    sha256: await digestIfThere(join(results, file)),
    locked: sha256 && fingerprint ? { sha256, fingerprint } : null,
    step: made.step,
    environment: target.environment,
    steps: [...plan.states].map(([name, state]) => stepLineage(plan.graph.steps.get(name)!, state, plan.states)),
  };
}

function stepLineage(
  { name, kind, version, engine, parameters, inputs }: Step,
  state: StepState,
  states: ReadonlyMap<string, StepState>,
): StepLineage {
  const origins = Object.entries(inputs).map(([role, input]): [string, Origin] => {
    if ("file" in input) return [role, { from: input.file, digest: input.digest }];
    const maker = states.get(input.step);
    const digest = maker?.kind === "fresh" ? maker.outputs[input.output]?.digest ?? null : null;
    return [role, { from: input.step, digest }];
  });
  return {
    step: name,
    kind,
    version,
    engine: engine ?? null,
    parameters,
    inputs: Object.fromEntries(origins),
    state: state.kind,
    fingerprint: state.key,
  };
}
