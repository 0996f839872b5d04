import assert from "node:assert/strict";
import { InputError, UsageError } from "../errors.ts";
import { inspect } from "./reproduce.ts";
import { ENVIRONMENT, misbehaving, RESULTS, tenSteps } from "./toy/pipeline.ts";
import { complaints, computed, digests, TemporaryFolder, toyRun } from "./toy/rig.ts";

Deno.test("reproduce() gives the same bytes with one job, with two, and after a kill half way", async () => {
  await using one = new TemporaryFolder(), two = new TemporaryFolder(), killed = new TemporaryFolder();
  const first = await toyRun(one.path, { steps: tenSteps(40), jobs: 1 });
  const second = await toyRun(two.path, { steps: tenSteps(40), jobs: 2 });
  assert.equal(first.status, "ok");
  assert.equal(computed(first.events).length, 10);
  assert.deepEqual(digests(second), digests(first));

  const survived = await killAfter(killed.path, 3);
  const third = await toyRun(killed.path, { steps: tenSteps(40), jobs: 2 });
  assert.deepEqual(digests(third), digests(first));
  assert.ok(survived >= 3 && computed(third.events).length <= 10 - survived, `${survived} steps survived the kill`);
});

/** Runs the toy pipeline in a process of its own and kills it when some steps have ended; gives how many have. */
async function killAfter(cache: string, steps: number): Promise<number> {
  const script = new URL("./toy/pipeline.ts", import.meta.url).href;
  const args = ["run", "-A", "--no-check", script, JSON.stringify({ cache, jobs: 1, milliseconds: 40 })];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
  let finished = 0, text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    finished = text.split('"type":"finished"').length - 1;
    if (finished >= steps) break;
  }
  child.kill("SIGKILL");
  await child.status;
  return finished;
}

Deno.test("reproduce() computes nothing the second time, and leaves results alone", async () => {
  await using folder = new TemporaryFolder();
  const cache = `${folder.path}/cache`, results = { folder: `${folder.path}/results`, files: RESULTS, complete: true };
  const first = await toyRun(cache, { results });
  assert.deepEqual(first.results?.written, ["all.md", "data/all.bin", "left.md"]);
  const before = await Deno.stat(`${results.folder}/left.md`);
  const second = await toyRun(cache, { results });
  assert.deepEqual(computed(second.events), []);
  assert.deepEqual(second.results?.written, []);
  assert.deepEqual((await Deno.stat(`${results.folder}/left.md`)).mtime, before.mtime);
  assert.equal(await Deno.readTextFile(`${results.folder}/left.md`), "Blend left: 102 bytes, 381 ones\n");
});

Deno.test("reproduce() stops downstream work early when a step gives the same bytes again", async () => {
  await using folder = new TemporaryFolder();
  await toyRun(folder.path);
  const steps = tenSteps().map((step) => step.name === "draw/1" ? { ...step, version: 2 } : step);
  assert.deepEqual(computed((await toyRun(folder.path, { steps })).events), ["draw/1"]);
});

Deno.test("reproduce() runs what a change reaches, and no more", async () => {
  await using folder = new TemporaryFolder();
  await toyRun(folder.path);
  const steps = tenSteps().map((step) =>
    step.name === "draw/1" ? { ...step, parameters: { seed: 9, size: 7, milliseconds: 0 } } : step
  );
  const plan = await inspect({ steps, environment: ENVIRONMENT, cache: folder.path, scope: "toy" });
  const state = (name: string) => {
    const found = plan.states.get(name);
    return found && "reason" in found ? `${found.kind}: ${found.reason}` : found?.kind;
  };
  assert.equal(state("draw/1"), "stale: seed changed from 1 to 9, size changed from 101 to 7");
  assert.equal(state("blend/left"), "stale: needs draw/1 first");
  assert.equal(state("draw/2"), "fresh");
  const run = await toyRun(folder.path, { steps });
  assert.deepEqual(computed(run.events), ["blend/all", "blend/left", "describe/all", "describe/left", "draw/1"]);
});

Deno.test("reproduce() runs only what its targets need", async () => {
  await using folder = new TemporaryFolder();
  const run = await toyRun(folder.path, { only: ["describe/left"] });
  assert.deepEqual(computed(run.events), ["blend/left", "describe/left", "draw/1", "draw/2"]);
  await assert.rejects(toyRun(folder.path, { only: ["describes"] }), UsageError);
});

Deno.test("reproduce() runs forced steps again, and warns of one that gives other bytes", async () => {
  await using folder = new TemporaryFolder();
  const steps = [misbehaving("differ", "differs"), misbehaving("behave", "behaves")];
  await toyRun(folder.path, { steps });
  const again = await toyRun(folder.path, { steps, force: ["differs", "behaves"] });
  assert.deepEqual(computed(again.events), ["behaves", "differs"]);
  assert.deepEqual(complaints(again.events), ["differs: it wrote other bytes than before from the same inputs"]);
  await toyRun(folder.path);
  const below = await toyRun(folder.path, { force: ["draw/1"], forceDownstream: true });
  assert.deepEqual(computed(below.events), ["blend/all", "blend/left", "describe/all", "describe/left", "draw/1"]);
});

for (const jobs of [0, -1, 1.5, NaN]) {
  Deno.test(`reproduce() refuses ${jobs} jobs`, async () => {
    await assert.rejects(toyRun("/nowhere", { jobs }), UsageError);
  });
}

for (const damage of ["flipped", "truncated", "removed"] as const) {
  Deno.test(`reproduce() makes a ${damage} stored input again, and says so`, async () => {
    await using folder = new TemporaryFolder();
    const first = await toyRun(folder.path);
    await spoil(folder.path, first.steps.get("draw/1")?.outputs["bytes.bin"]?.digest as string, damage);
    const steps = tenSteps().map((step) => step.name === "blend/left" ? { ...step, version: 2 } : step);
    const second = await toyRun(folder.path, { steps });
    assert.equal(second.status, "ok");
    assert.deepEqual(digests(second), digests(first));
    assert.deepEqual(computed(second.events), ["blend/left", "draw/1"]);
    assert.match(
      complaints(second.events).join("\n"),
      /^draw\/1: its stored output.* missing or damaged: running it again$/,
    );
  });
}

Deno.test("reproduce() makes a result again whose stored bytes are damaged", async () => {
  await using folder = new TemporaryFolder();
  const first = await toyRun(folder.path);
  await spoil(folder.path, first.steps.get("describe/all")?.outputs["text.md"]?.digest as string, "flipped");
  const results = { folder: `${folder.path}/results`, files: RESULTS, complete: true };
  const second = await toyRun(folder.path, { results });
  assert.deepEqual(computed(second.events), ["describe/all"]);
  assert.match(await Deno.readTextFile(`${results.folder}/all.md`), /^Blend all: 105 bytes/);
});

Deno.test("reproduce() refuses to start while another run holds the cache, and names it", async () => {
  await using folder = new TemporaryFolder();
  const controller = new AbortController(), spinning = Promise.withResolvers<void>();
  const spin = toyRun(folder.path, {
    steps: [misbehaving("spin")],
    signal: controller.signal,
    emit: (event) => event.type === "progress" && spinning.resolve(),
  });
  await spinning.promise;
  const target = { steps: [misbehaving("spin")], environment: ENVIRONMENT, cache: folder.path, scope: "toy" };
  let state;
  for (let i = 0; i < 100 && state !== "running"; i++) {
    state = (await inspect(target)).states.get("bad")?.kind;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(state, "running");
  await assert.rejects(
    toyRun(folder.path),
    (error) => error instanceof InputError && error.message.includes(`process ${Deno.pid} is running steps`),
  );
  controller.abort();
  assert.equal((await spin).status, "interrupted");
  assert.equal((await toyRun(folder.path)).status, "ok");
});

Deno.test("reproduce() says which folder could not be written", async () => {
  await using folder = new TemporaryFolder();
  await Deno.writeTextFile(`${folder.path}/file`, "");
  const refused = (start: string) => (error: unknown) => error instanceof InputError && error.message.startsWith(start);
  await assert.rejects(toyRun(`${folder.path}/file/cache`), refused(`Could not`));
  const results = { folder: `${folder.path}/file/results`, files: RESULTS, complete: true };
  await assert.rejects(toyRun(folder.path, { results }), refused(`Could not`));
});

/** Damages stored bytes in one of the ways a disk does. */
async function spoil(cache: string, digest: string, how: "flipped" | "truncated" | "removed"): Promise<void> {
  const path = `${cache}/content-v2/sha256/${digest.slice(0, 2)}/${digest.slice(2, 4)}/${digest.slice(4)}`;
  if (how === "removed") return await Deno.remove(path);
  const bytes = await Deno.readFile(path);
  bytes[0] = (bytes[0] as number) ^ 1;
  await Deno.writeFile(path, how === "flipped" ? bytes : bytes.subarray(1));
}
