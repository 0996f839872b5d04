import assert from "node:assert/strict";
import { inspect } from "../../src/graph/reproduce.ts";
import { RunLock } from "../../src/graph/run_lock.ts";
import { Store } from "../../src/graph/store.ts";
import { TemporaryFolder } from "../../src/graph/toy/rig.ts";
import { ENVIRONMENT, tenSteps } from "../../src/graph/toy/pipeline.ts";
import { collectGarbage } from "./gc.ts";
import { countSteps } from "./stored.ts";
import { runToy, toyContext } from "./testing.ts";

/** Runs the command for the toy profile, and hears what it says. */
async function gc(folder: string, options: { dryRun?: boolean; steps?: ReturnType<typeof tenSteps> } = {}) {
  const { log, error } = console, out: string[] = [], err: string[] = [];
  console.log = (text) => out.push(text);
  console.error = (text) => err.push(text);
  const { dryRun = false, steps = tenSteps() } = options;
  try {
    const context = toyContext(steps, `${folder}/results/toy`);
    return { code: await collectGarbage([context], { cache: folder, results: `${folder}/results`, dryRun }), out, err };
  } finally {
    Object.assign(console, { log, error });
  }
}

/** The toy pipeline with another first draw, and what depends on it. */
const edited = () =>
  tenSteps().map((step) =>
    step.name === "draw/1" ? { ...step, version: 2, parameters: { seed: 9, size: 7, milliseconds: 0 } } : step
  );

/** Every file of a folder with its size. */
async function filesOf(folder: string): Promise<string[]> {
  const out: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) out.push(...await filesOf(`${folder}/${name}`));
    else out.push(`${folder}/${name} ${(await Deno.stat(`${folder}/${name}`)).size}`);
  }
  return out.sort();
}

const allFresh = async (cache: string, steps = tenSteps()) =>
  [...(await inspect({ steps, environment: ENVIRONMENT, cache, scope: "toy-portable" })).states.values()]
    .every(({ kind }) => kind === "fresh");

Deno.test("gc drops nothing of steps that are up to date, and says so", async () => {
  await using folder = new TemporaryFolder();
  await runToy(folder.path);
  const before = await filesOf(folder.path);
  assert.deepEqual(await gc(folder.path, { dryRun: true }), {
    code: 0,
    out: [],
    err: ["0 steps to drop; 10 steps kept"],
  });
  assert.deepEqual(await gc(folder.path), { code: 0, out: [], err: ["0 steps dropped; 10 steps kept"] });
  assert.deepEqual(
    (await filesOf(folder.path)).filter((f) => !f.includes("/run.")),
    before.filter((f) => !f.includes("/run.")),
  );
});

Deno.test("gc drops what was made of an earlier version and leaves a cache as if that had never been", async () => {
  await using folder = new TemporaryFolder();
  await using clean = new TemporaryFolder();
  await runToy(folder.path);
  await runToy(folder.path, edited());
  await runToy(clean.path, edited());
  const before = await filesOf(folder.path);
  const dry = await gc(folder.path, { dryRun: true, steps: edited() });
  assert.deepEqual([dry.code, await filesOf(folder.path)], [3, before]);
  assert.match(dry.err[0]!, /^5 steps to drop, 0\.0 MB in \d+ files and folders; 10 steps kept$/);
  const wet = await gc(folder.path, { steps: edited() });
  assert.deepEqual([wet.code, wet.out], [0, dry.out]);
  assert.equal(wet.out.filter((line) => /^[0-9a-f]{12} {2}bytes\.bin$/.test(line)).length, 1);
  assert.ok(await allFresh(folder.path, edited()));
  assert.deepEqual(await new Store(folder.path).verify(), []);
  const stored = async (path: string) =>
    (await filesOf(path)).map((file) => file.slice(path.length)).filter((file) => /^\/(content|index)/.test(file))
      .map((file) => file.startsWith("/index") ? file.replace(/ \d+$/, "") : file);
  assert.deepEqual(await stored(folder.path), await stored(clean.path));
});

Deno.test("gc keeps what a plan finds fresh though nobody recorded it, and what an unknown profile recorded", async () => {
  await using folder = new TemporaryFolder();
  await runToy(folder.path);
  await runToy(folder.path, edited());
  // The first version is declared again: the records name the second one only.
  assert.deepEqual((await gc(folder.path)).err, ["0 steps dropped; 15 steps kept"]);
  assert.ok(await allFresh(folder.path));
  await Deno.rename(`${folder.path}/records/toy-portable.json`, `${folder.path}/records/other-portable.json`);
  assert.deepEqual((await gc(folder.path)).err, ["0 steps dropped; 15 steps kept"]);
  await Deno.remove(`${folder.path}/records/other-portable.json`);
  assert.match((await gc(folder.path)).err[0]!, /^5 steps dropped, .*; 10 steps kept$/);
  assert.ok(await allFresh(folder.path));
});

Deno.test("gc drops what killed runs left behind, but not what a step would go on with", async () => {
  await using folder = new TemporaryFolder();
  const steps = edited();
  await runToy(folder.path);
  const state = (await inspect({ steps, environment: ENVIRONMENT, cache: folder.path, scope: "toy-portable" })).states
    .get("draw/1")!;
  const begun = `${folder.path}/scratch/${state.key}`, left = `${folder.path}/scratch/${"0".repeat(64)}`;
  const digest = "ab".repeat(32), orphan = `${folder.path}/content-v2/sha256/ab/ab`;
  const job = `${folder.path}/slurm/${"1".repeat(64)}`, going = `${folder.path}/slurm/${state.key}`;
  for (const path of [begun, left, job, going, orphan, `${folder.path}/tmp`]) {
    await Deno.mkdir(path, { recursive: true });
  }
  const garbage = [
    `${left}/checkpoint`,
    `${job}/job.log`,
    `${orphan}/${digest.slice(4)}`,
    `${folder.path}/tmp/x`,
    `${folder.path}/records/a.json.1.tmp`,
  ];
  for (const path of [...garbage, `${begun}/checkpoint`, `${going}/job-id`]) await Deno.writeTextFile(path, "12345");
  assert.match(
    (await gc(folder.path, { steps })).err[0]!,
    /^0 steps dropped, 0\.0 MB in 5 files and folders; 10 steps kept$/,
  );
  for (const path of garbage) await assert.rejects(Deno.stat(path), Deno.errors.NotFound, path);
  for (const path of [`${begun}/checkpoint`, `${going}/job-id`]) assert.ok((await Deno.stat(path)).isFile);
  assert.equal(await countSteps(folder.path), 10);
});

Deno.test("gc touches no folder that is no cache", async () => {
  await using folder = new TemporaryFolder();
  await Deno.mkdir(`${folder.path}/tmp`);
  await Deno.writeTextFile(`${folder.path}/tmp/thesis.txt`, "all of it");
  await Deno.writeTextFile(`${folder.path}/notes.tmp`, "some of it");
  const before = await filesOf(folder.path);
  for (const dryRun of [true, false]) {
    await assert.rejects(gc(folder.path, { dryRun }), {
      name: "InputError",
      message: `"${folder.path}" is no cache: it has no index of steps; choose its folder with --cache`,
    });
  }
  assert.deepEqual(await filesOf(folder.path), before);
});

Deno.test("gc waits for nobody: it refuses a cache in which steps are running, and knows one that is not there", async () => {
  await using folder = new TemporaryFolder();
  await runToy(folder.path);
  {
    await using _lock = await RunLock.acquire(folder.path);
    await assert.rejects(gc(folder.path), {
      name: "InputError",
      message:
        `Could not clear up the cache "${folder.path}": process ${Deno.pid} is running steps in it; wait for it to end`,
    });
  }
  assert.deepEqual((await gc(`${folder.path}/none`)).err, [`There is no cache "${folder.path}/none" to clear up`]);
  assert.deepEqual([...Deno.readDirSync(folder.path)].filter(({ name }) => name === "none"), []);
});
