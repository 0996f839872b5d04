import assert from "node:assert/strict";
import { TemporaryFolder } from "../../src/graph/toy/rig.ts";
import { tenSteps } from "../../src/graph/toy/pipeline.ts";
import { runToy, toyContext } from "./testing.ts";
import { why } from "./why.ts";

Deno.test("why() says under which fingerprint a fresh step is kept, and nothing else", async () => {
  await using folder = new TemporaryFolder();
  const { steps } = await runToy(folder.path);
  const options = { profile: "toy", cache: folder.path };
  assert.deepEqual(await why(toyContext(), "describe/all", options), [
    `describe/all is fresh: its outputs are in the cache, under fingerprint ${steps.get("describe/all")!.key}`,
  ]);
});

Deno.test("why() goes back to the steps that must run first, and tells every change of theirs, alike ones together", async () => {
  await using folder = new TemporaryFolder();
  await runToy(folder.path);
  const edited = tenSteps().map((step) => {
    if (step.name === "draw/3") return { ...step, parameters: { seed: 30, size: 5, milliseconds: 1, twice: true } };
    return step.kind === "draw" && step.name < "draw/3" ? { ...step, version: 2 } : step;
  });
  assert.deepEqual(await why(toyContext(edited), "describe/all", { profile: "toy", cache: folder.path }), [
    "describe/all is stale: needs blend/all first",
    "",
    "What is behind it:",
    "  draw/1, draw/2",
    '    the code of kind "draw" went from version 1 to 2',
    "  draw/3",
    "    milliseconds changed from 0 to 1",
    "    seed changed from 3 to 30",
    "    size changed from 103 to 5",
    "    twice is new: true",
  ]);
});

Deno.test("why() names each step of a group, and counts causes that are many", async () => {
  await using folder = new TemporaryFolder();
  assert.deepEqual(await why(toyContext(), "blend", { profile: "toy", cache: `${folder.path}/none` }), [
    "blend/left is missing: never run here, needs draw/1, draw/2 first",
    "blend/right is missing: never run here, needs draw/3, draw/4, draw/5 first",
    "blend/all is missing: never run here, needs blend/left, blend/right first",
    "",
    "What is behind it:",
    "  draw/1, draw/2, draw/3 and 2 more",
    "    never run here",
  ]);
});
