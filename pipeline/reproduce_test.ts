import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Event } from "../src/graph/events.ts";
import { LOCK_NAME, readLock } from "../src/graph/lock_file.ts";
import { reproduce, type Reproduced } from "../src/graph/reproduce.ts";
import { whoRuns } from "../src/graph/run_lock.ts";
import { Store } from "../src/graph/store.ts";
import { complaints, computed, TemporaryFolder } from "../src/graph/toy/rig.ts";
import { describeLineage } from "./cli/lineage.ts";
import { MODULES } from "./kinds.ts";
import { lineageOf } from "./lineage.ts";
import { resultFiles } from "./paper.ts";
import type { Numbers } from "./steps/numbers.ts";
import { tiny, tinyContext } from "./testing_profile.ts";

type Run = Reproduced & { readonly events: readonly Event[] };

/** Reproduces the tiny profile into `<folder>/results`, with a cache beside it. */
async function tinyRun(folder: string, jobs = 2): Promise<Run> {
  const { steps, environment, results } = await tinyContext(`${folder}/results`), events: Event[] = [];
  const outcome = await reproduce({
    steps,
    environment,
    modules: MODULES,
    cache: `${folder}/cache`,
    scope: tiny.name,
    jobs,
    emit: (event) => events.push(event),
    results: { folder: results, files: resultFiles(steps), complete: true },
  });
  assert.deepEqual([outcome.status, complaints(events).filter((text) => !text.includes("running it again"))], [
    "ok",
    [],
  ]);
  return { ...outcome, events };
}

/** The command that reproduces the tiny profile in a process of its own. */
function tinyCommand(
  folder: string,
  options: Record<string, unknown>,
  env: Record<string, string> = {},
): Deno.Command {
  const where = { results: `${folder}/results`, cache: `${folder}/cache`, jobs: 2 };
  const script = fileURLToPath(new URL("./testing_profile.ts", import.meta.url));
  const args = ["run", "-A", "--no-check", script, JSON.stringify({ ...where, ...options })];
  return new Deno.Command(Deno.execPath(), { args, env, stdout: "piped", stderr: "piped" });
}

const lockOf = (folder: string) => Deno.readTextFile(`${folder}/results/tiny/${LOCK_NAME}`);

/** One complete run with one job, which the tests compare theirs with and go on from. */
const reference = new TemporaryFolder();
let first: Run, expected: string;
Deno.test.beforeAll(async () => {
  first = await tinyRun(reference.path, 1);
  expected = await lockOf(reference.path);
});
Deno.test.afterAll(() => reference[Symbol.asyncDispose]());

/** A folder that looks as if the complete run had just ended in it. */
async function afterCompleteRun(): Promise<TemporaryFolder> {
  const folder = new TemporaryFolder();
  await copyTree(reference.path, folder.path);
  return folder;
}

async function copyTree(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    await (isDirectory ? copyTree : Deno.copyFile)(`${from}/${name}`, `${to}/${name}`);
  }
}

Deno.test("reproduce() writes every table and figure of a profile, and locks them", async () => {
  const { steps } = await tinyContext(""), lock = await readLock(`${reference.path}/results/tiny`);
  const cached = first.events.flatMap((event) =>
    event.type === "finished" && event.how === "cached" ? [event.step] : []
  );
  // Two sizes of the sweep are those of other runs.
  assert.equal(cached.length, 2);
  assert.deepEqual([...computed(first.events), ...cached].sort(), steps.map(({ name }) => name).sort());
  assert.deepEqual(Object.keys(lock!.files), Object.keys(resultFiles(steps)).sort());
  for (const file of Object.keys(lock!.files)) {
    assert.ok((await Deno.stat(`${reference.path}/results/tiny/${file}`)).size > 0, `${file} is empty`);
  }
  const glue = await Deno.readTextFile(`${reference.path}/results/tiny/tables/glue.csv`);
  assert.ok(tiny.tasks.every((task) => glue.includes(`${task},`)), glue);
});

Deno.test("report.html is one file with every table and every figure of the profile", async () => {
  const { steps, results } = await tinyContext(`${reference.path}/results`);
  const report = await Deno.readTextFile(`${results}/report.html`),
    ids = [...report.matchAll(/<section id="([^"]+)">/g)];
  const expected = steps.filter(({ kind }) => kind === "table" || kind === "figure").map(({ name }) =>
    name.replace("/", "-")
  );
  assert.deepEqual(ids.map(([, id]) => id).sort(), expected.sort());
  const svg = await Deno.readFile(`${results}/figures/scheme.svg`);
  assert.ok(report.includes(`"data:image/svg+xml;base64,${svg.toBase64()}"`));
});

Deno.test("lineageOf() follows a file down to runs, settings, digests of data and versions of code", async () => {
  const { steps, environment, results } = await tinyContext(`${reference.path}/results`);
  const target = { steps, environment, cache: `${reference.path}/cache`, scope: tiny.name };
  const lineage = await lineageOf(target, results, "tables/glue.md");
  assert.equal(lineage.sha256, lineage.locked?.sha256);
  assert.deepEqual([lineage.step, lineage.steps.at(-1)?.step], ["table/glue", "table/glue"]);
  assert.ok(
    lineage.steps.every(({ state, fingerprint, inputs }) =>
      state === "fresh" && fingerprint && Object.values(inputs).every(({ digest }) => digest?.length === 64)
    ),
  );
  const run = lineage.steps.find(({ step }) => step === "finetune/lora/cola/seed-0")!;
  assert.equal(run.inputs["examples.json"]?.digest, first.steps.get("tokenize/cola")?.outputs["examples.json"]?.digest);
  const text = describeLineage(lineage);
  for (
    const said of ["as locked", "lora: batch 16", "rank 2", "deno ", "generate 1", "on cola, stsb; seed 0", "train.tsv"]
  ) {
    assert.ok(text.includes(said), `no "${said}" in\n${text}`);
  }
  const elsewhere = await lineageOf({ ...target, cache: `${reference.path}/empty` }, results, "tables/bops.md");
  assert.ok(elsewhere.steps.every(({ state }) => state === "missing"));
  await assert.rejects(lineageOf(target, results, "tables/nope.md"), /no step makes it/);
});

Deno.test("Every source of numbers.json is a step, and every step that makes a run is one", async () => {
  const { steps, results } = await tinyContext(`${reference.path}/results`), names = steps.map(({ name }) => name);
  const { numbers, sources } = JSON.parse(await Deno.readTextFile(`${results}/numbers.json`)) as Numbers;
  const quoted = new Set(Object.values(numbers).flatMap((number) => sources[number.sources]!));
  assert.deepEqual([...quoted].filter((name) => !names.includes(name)), []);
  const runs = steps.filter(({ kind }) => kind === "finetune").map(({ name }) => name);
  assert.deepEqual(runs.filter((name) => !quoted.has(name)), []);
});

Deno.test("reproduce() leaves the same bytes with two jobs, where the first run had one", async () => {
  await using folder = new TemporaryFolder();
  await tinyRun(folder.path, 2);
  assert.equal(await lockOf(folder.path), expected);
});

Deno.test("reproduce() goes on after a SIGKILL half way, to the same bytes", async () => {
  await using folder = new TemporaryFolder();
  const child = tinyCommand(folder.path, { json: true, jobs: 1 }).spawn(), finished = new Set<string>();
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (const [, step] of text.matchAll(/"type":"finished","step":"([^"]+)"/g)) finished.add(step!);
    if (finished.has("pretrain") && [...finished].some((step) => step.startsWith("finetune/"))) break;
  }
  child.kill("SIGKILL");
  await Promise.all([child.status, child.stderr.cancel()]);
  const again = computed((await tinyRun(folder.path)).events);
  assert.equal(await lockOf(folder.path), expected);
  assert.ok(again.length > 5 && !again.some((step) => finished.has(step)), `${again} after ${[...finished]}`);
});

Deno.test("reproduce stopped by Ctrl-C exits with 130, leaves no worker and no damage, and goes on to the same bytes", async () => {
  await using folder = new TemporaryFolder();
  const child = tinyCommand(folder.path, { jobs: 2 }).spawn();
  let said = "";
  for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
    // The first run has just begun, so that workers are busy.
    const before = said;
    said += chunk;
    if (before.includes("] finetune/") || !said.includes("] finetune/")) continue;
    child.kill("SIGINT");
    child.kill("SIGINT"); // As `deno task` in a terminal does: it is not a second Ctrl-C.
  }
  const { code, signal } = await child.status;
  await child.stdout.cancel();
  assert.deepEqual([code, signal], [130, null]);
  const [interrupted, advice] = said.trimEnd().split("\n").slice(-2);
  assert.match(interrupted!, /^Interrupted in .*: \d+ computed/);
  assert.equal(advice, "What has ended is kept: the same command goes on from there");
  assert.deepEqual([await whoRuns(`${folder.path}/cache`), await new Store(`${folder.path}/cache`).verify()], [
    null,
    [],
  ]);
  const finished = [...said.matchAll(/^\[\d+\/\d+\] (\S+) \(/gm)].map(([, step]) => step!);
  const again = computed((await tinyRun(folder.path)).events);
  assert.equal(await lockOf(folder.path), expected);
  assert.ok(again.length > 5 && finished.length > 5, said);
  assert.deepEqual(again.filter((step) => finished.includes(step)), []);
});

Deno.test("reproduce --no-cache stopped by Ctrl-C removes its cache, and does not say that anything is kept", async () => {
  await using folder = new TemporaryFolder();
  const child = tinyCommand(folder.path, { cache: false }, { TMPDIR: folder.path }).spawn();
  let said = "";
  for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
    const before = said;
    said += chunk;
    if (before.includes("] generate/") || !said.includes("] generate/")) continue;
    assert.equal([...Deno.readDirSync(folder.path)].filter(({ name }) => name.startsWith("no-cache-")).length, 1);
    child.kill("SIGINT");
    child.kill("SIGINT");
  }
  const { code } = await child.status;
  await child.stdout.cancel();
  assert.equal(code, 130);
  assert.match(said, /\nInterrupted: what has ended is not kept; [^\n]*\n$/);
  assert.doesNotMatch(said, /is kept/);
  assert.deepEqual([...Deno.readDirSync(folder.path)].filter(({ name }) => name.startsWith("no-cache-")), []);
});

Deno.test("reproduce() computes and writes nothing the second time", async () => {
  await using folder = await afterCompleteRun();
  const { events, results } = await tinyRun(folder.path);
  assert.deepEqual([computed(events), results!.written, results!.removed], [[], [], []]);
});

Deno.test("reproduce() notices flipped bytes in its store, on the way to a result that is gone, and mends them", async () => {
  await using folder = await afterCompleteRun();
  await flipByte(folder.path, first.steps.get("table/glue")!.outputs["glue.md"]!.digest);
  await flipByte(folder.path, first.steps.get("finetune/lora/stsb/seed-0")!.outputs["run.json"]!.digest);
  await Deno.remove(`${folder.path}/results/tiny/tables/glue.md`);
  const { events, results } = await tinyRun(folder.path);
  assert.deepEqual(computed(events), ["finetune/lora/stsb/seed-0", "table/glue"]);
  assert.deepEqual(results!.written, ["tables/glue.md"]);
  assert.equal(await lockOf(folder.path), expected);
});

Deno.test("reproduce --check exits 0 where results are as locked, 1 naming the file where one is not, and writes neither", async () => {
  await using folder = await afterCompleteRun();
  const path = `${folder.path}/results/tiny/${LOCK_NAME}`, csv = "tables/bops.csv";
  const good = await tinyCommand(folder.path, { check: true }).output();
  assert.deepEqual([good.code, lastLine(good.stderr)], [
    0,
    `All ${Object.keys(JSON.parse(expected).files).length} results are as locked`,
  ]);

  const lock = JSON.parse(expected);
  lock.files[csv].sha256 = "0".repeat(64);
  await Deno.writeTextFile(path, JSON.stringify(lock));
  const bad = await tinyCommand(folder.path, { check: true }).output();
  assert.equal(bad.code, 1);
  assert.ok(text(bad.stderr).includes(`/tiny/${csv}: differs\n`), text(bad.stderr));
  assert.equal(await Deno.readTextFile(path), JSON.stringify(lock));
  const narrowed = await tinyCommand(folder.path, { check: true, only: ["table/glue"] }).output();
  assert.deepEqual([narrowed.code, lastLine(narrowed.stderr)], [0, "All 4 results are as locked"]);
});

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const lastLine = (bytes: Uint8Array): string => text(bytes).trimEnd().split("\n").at(-1)!;

/** Flips a bit of stored bytes, as a bad disk does. */
async function flipByte(folder: string, digest: string): Promise<void> {
  const path = `${folder}/cache/content-v2/sha256/${digest.slice(0, 2)}/${digest.slice(2, 4)}/${digest.slice(4)}`;
  const bytes = await Deno.readFile(path);
  bytes[0]! ^= 1;
  await Deno.writeFile(path, bytes);
}
