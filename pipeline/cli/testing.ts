/** The toy pipeline as a profile, for tests of commands that look at a plan and a store. */
import type { Step } from "../../src/graph/step.ts";
import { toyRun } from "../../src/graph/toy/rig.ts";
import { ENVIRONMENT, tenSteps } from "../../src/graph/toy/pipeline.ts";
import { tiny } from "../testing_profile.ts";
import type { Context } from "./context.ts";

/** What the commands would be told of a profile with these steps. */
export function toyContext(steps: readonly Step[] = tenSteps(), results = "results/toy"): Context {
  return { profile: { ...tiny, name: "toy" }, engine: "portable", steps, environment: ENVIRONMENT, results };
}

/** Runs a toy profile's steps, and remembers them as its command would. */
export async function runToy(cache: string, steps: readonly Step[] = tenSteps()): ReturnType<typeof toyRun> {
  return await toyRun(cache, { steps, scope: "toy-portable" });
}
