import assert from "node:assert/strict";
import { inspect } from "./reproduce.ts";
import { ENVIRONMENT, tenSteps } from "./toy/pipeline.ts";
import { TemporaryFolder, toyRun } from "./toy/rig.ts";
import type { StepState } from "./plan.ts";

function target(cache: string) {
  return { steps: tenSteps(), environment: ENVIRONMENT, cache, scope: "toy" };
}

function say(state: StepState | undefined): string {
  return state && "reason" in state ? `${state.kind}: ${state.reason}` : state?.kind ?? "none";
}

Deno.test("makePlan() says of every step that it never ran, and touches nothing", async () => {
  await using folder = new TemporaryFolder();
  const { states } = await inspect(target(`${folder.path}/cache`));
  assert.equal(say(states.get("draw/1")), "missing: never run here");
  assert.equal(say(states.get("blend/right")), "missing: never run here, needs draw/3, draw/4, draw/5 first");
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("makePlan() finds everything fresh after a run", async () => {
  await using folder = new TemporaryFolder();
  await toyRun(folder.path);
  const { states } = await inspect(target(folder.path));
  assert.deepEqual([...states.values()].map(say), Array(10).fill("fresh"));
});

Deno.test("makePlan() tells an engine's upgrade by its version, for the steps of that engine only", async () => {
  await using folder = new TemporaryFolder();
  await toyRun(folder.path);
  const environment = { ...ENVIRONMENT, engines: { toy: { toy: "1.0.1" } } };
  const { states } = await inspect({ ...target(folder.path), environment });
  assert.equal(say(states.get("blend/left")), 'stale: environment.toy changed from "1.0.0" to "1.0.1"');
  assert.equal(say(states.get("draw/1")), "fresh");
  assert.equal(say(states.get("describe/left")), "stale: needs blend/left first");
});

Deno.test("makePlan() tells that a store is gone, and of forced steps", async () => {
  await using folder = new TemporaryFolder();
  await toyRun(folder.path);
  const forced = await inspect({ ...target(folder.path), force: ["draw/1"] });
  assert.equal(say(forced.states.get("draw/1")), "stale: asked to run again");
  await Deno.remove(`${folder.path}/index-v5`, { recursive: true });
  assert.equal(
    say((await inspect(target(folder.path))).states.get("draw/1")),
    "missing: its outputs are no longer in the cache",
  );
});

Deno.test("makePlan() cuts a long list of changes short", async () => {
  await using folder = new TemporaryFolder();
  await toyRun(folder.path);
  const steps = tenSteps().map((step) => step.name === "draw/1" ? { ...step, version: 2, parameters: { a: 1 } } : step);
  assert.equal(
    say((await inspect({ ...target(folder.path), steps })).states.get("draw/1")),
    'stale: the code of kind "draw" went from version 1 to 2, a is new: 1, milliseconds is gone: it was 0 and 2 more',
  );
});

Deno.test("makePlan() compares with the last run, also when that run found everything fresh", async () => {
  await using folder = new TemporaryFolder();
  const seeded = (seed: number) =>
    tenSteps().map((step) =>
      step.name === "draw/1" ? { ...step, parameters: { seed, size: 5, milliseconds: 0 } } : step
    );
  for (const seed of [1, 2, 1]) await toyRun(folder.path, { steps: seeded(seed) });
  const { states } = await inspect({ ...target(folder.path), steps: seeded(3) });
  assert.equal(say(states.get("draw/1")), "stale: seed changed from 1 to 3");
});
