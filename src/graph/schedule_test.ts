import assert from "node:assert/strict";
import type { Executor } from "./executor.ts";
import { digestFile } from "./fingerprint.ts";
import { Store } from "./store.ts";
import { misbehaving, step, tenSteps } from "./toy/pipeline.ts";
import { complaints, computed, TemporaryFolder, toyRun } from "./toy/rig.ts";

for (
  const [behaviour, message] of [
    ["throw", "A bug"],
    ["refuse", "Could not do it: expected something else"],
    ["die", "Nobody caught: Nobody waits for this"],
    ["throw late", "Nobody caught: Too late"],
    ["exit", "A step may not exit (code 3): throw an error instead"],
    ["write nothing", 'Step "bad" ended without writing its output "out.txt"'],
    ["write twice", 'Step "bad" wrote output "out.txt" twice'],
    ["write more", 'Step "bad" declares no output "other.txt": expected one of out.txt'],
    ["read more", 'Step "bad" declares no input "other": expected one of '],
  ] as const
) {
  Deno.test(`runPlan() fails a step that wants to ${behaviour}, and keeps what else ended`, async () => {
    await using folder = new TemporaryFolder();
    const steps = [...tenSteps(), misbehaving(behaviour)];
    const run = await toyRun(folder.path, { steps, keepGoing: true });
    assert.equal(run.status, "failed");
    assert.deepEqual(run.failed, ["bad"]);
    assert.deepEqual(complaints(run.events), [`bad: ${message}`]);
    assert.equal(run.steps.size, 10);
    const mended = await toyRun(folder.path, { steps: [...tenSteps(), misbehaving("behave")] });
    assert.deepEqual([mended.status, computed(mended.events)], ["ok", ["bad"]]);
  });
}

Deno.test("runPlan() tells where a bug is, but not for a mistake that a person can mend", async () => {
  await using folder = new TemporaryFolder();
  const traceOf = async (behaviour: string) => {
    const { events } = await toyRun(folder.path, { steps: [misbehaving(behaviour)] });
    const failed = events.find((event) => event.type === "failed");
    return failed?.type === "failed" ? failed.trace : undefined;
  };
  assert.match(await traceOf("throw") as string, /misbehave\.ts/);
  assert.equal(await traceOf("refuse"), undefined);
});

Deno.test("runPlan() skips what needs a failed step, says why, and runs the rest if asked to keep going", async () => {
  await using folder = new TemporaryFolder();
  const steps = [
    { ...misbehaving("throw"), seconds: 100 },
    step("misbehave", "needs", { behaviour: "behave" }, { a: { step: "bad", output: "out.txt" } }, ["out.txt"]),
    step("misbehave", "needs-too", { behaviour: "behave" }, { a: { step: "needs", output: "out.txt" } }, ["out.txt"]),
    misbehaving("behave", "free"),
  ];
  const stopped = await toyRun(folder.path, { steps, jobs: 1 });
  assert.deepEqual(stopped.skipped, ["needs", "needs-too", "free"]);
  const reasons = stopped.events.flatMap((event) => event.type === "skipped" ? [event.because] : []);
  const needs = 'it needs "bad", which failed';
  assert.deepEqual(reasons, [needs, needs, 'the run stopped when "bad" failed']);
  const going = await toyRun(folder.path, { steps, jobs: 1, keepGoing: true });
  assert.deepEqual([going.skipped, computed(going.events)], [["needs", "needs-too"], ["free"]]);
});

Deno.test("runPlan() starts with the longest chain of steps", async () => {
  await using folder = new TemporaryFolder();
  const run = await toyRun(folder.path, { jobs: 1 });
  const started = run.events.flatMap((event) => event.type === "started" ? [event.step] : []);
  assert.deepEqual(started.slice(0, 3), ["draw/5", "draw/4", "draw/3"]);
});

Deno.test("runPlan() keeps steps of one affinity on one worker while there are others for the rest", async () => {
  await using folder = new TemporaryFolder();
  const steps = Array.from({ length: 12 }, (_, i) => {
    const affinity = i % 2 === 0 ? "even" : "odd";
    return { ...misbehaving("tell company", `${affinity}/${i}`, {}, `${i}`), affinity };
  });
  const run = await toyRun(folder.path, { steps, jobs: 2 });
  assert.equal(run.status, "ok");
  const store = new Store(folder.path), mixed: string[] = [];
  for (const { outputs } of run.steps.values()) {
    const company = new TextDecoder().decode(await store.read(outputs["out.txt"]!.digest));
    if (company.includes("even") && company.includes("odd")) mixed.push(company);
  }
  // The last step of a worker may come from the other's.
  assert.ok(mixed.length <= 2, mixed.join("; "));
});

Deno.test("runPlan() gives a part of the machine to one step at a time, and the rest to others meanwhile", async () => {
  await using folder = new TemporaryFolder();
  const steps = Array.from({ length: 8 }, (_, i) => {
    const lasting = misbehaving("tell company", `${i % 2 ? "gpu" : "cpu"}/${i}`, {}, `${i}`);
    return i % 2 ? { ...lasting, slot: "gpu" } : lasting;
  });
  const running = new Set<string>(), beside: string[][] = [];
  const run = await toyRun(folder.path, {
    steps,
    jobs: 3,
    emit: (event) => {
      if (event.type === "finished") running.delete(event.step);
      if (event.type === "started") beside.push([...running.add(event.step)]);
    },
  });
  assert.equal(run.status, "ok");
  assert.ok(beside.every((names) => names.filter((name) => name.startsWith("gpu/")).length <= 1), beside.join("; "));
  assert.ok(beside.some((names) => names.length > 1));
});

Deno.test("runPlan() computes steps that differ in nothing but their names once", async () => {
  await using folder = new TemporaryFolder();
  const steps = ["a", "b", "c"].map((name) => misbehaving("differ", name));
  const run = await toyRun(folder.path, { steps: [...steps, misbehaving("differ", "other", {}, "else")], jobs: 4 });
  assert.deepEqual([run.status, computed(run.events).length, complaints(run.events)], ["ok", 2, []]);
  const [a, b, c, other] = ["a", "b", "c", "other"].map((name) => run.steps.get(name)!.outputs["out.txt"]!.digest);
  assert.ok(a === b && b === c && c !== other);
});

Deno.test("runPlan() does not wait for a step that computes without a pause when it is told to stop", async () => {
  await using folder = new TemporaryFolder();
  const controller = new AbortController();
  const run = await toyRun(folder.path, {
    steps: [...tenSteps(), misbehaving("spin")],
    signal: controller.signal,
    emit: (event) => event.type === "progress" && event.step === "bad" && controller.abort(),
  });
  assert.equal(run.status, "interrupted");
  assert.deepEqual([run.failed, run.events.at(-1)?.type], [[], "done"]);
});

Deno.test("runPlan() starts nothing when it was told to stop before", async () => {
  await using folder = new TemporaryFolder();
  const run = await toyRun(folder.path, { signal: AbortSignal.abort() });
  assert.deepEqual([run.status, run.steps.size], ["interrupted", 0]);
});

Deno.test("runPlan() refuses an input file that changed after the run was planned, or is gone", async () => {
  await using folder = new TemporaryFolder();
  const file = `${folder.path}/data.txt`;
  await Deno.writeTextFile(file, "planned");
  const steps = [misbehaving("read", "reads", { file: { file, digest: await digestFile(file) } })];
  await Deno.writeTextFile(file, "changed");
  const changed = await toyRun(`${folder.path}/cache`, { steps });
  assert.deepEqual(complaints(changed.events), [
    `reads: "${file}", an input of step "reads", changed after the run was planned: run again`,
  ]);
  await Deno.remove(file);
  const gone = await toyRun(`${folder.path}/cache`, { steps });
  assert.match(
    complaints(gone.events).join(),
    /^reads: Could not read ".*data\.txt", an input of step "reads": ENOENT/,
  );
});

Deno.test("runPlan() warns of an input file that changes while its step runs", async () => {
  await using folder = new TemporaryFolder();
  const file = `${folder.path}/data.txt`;
  await Deno.writeTextFile(file, "planned");
  const inputs = { file: { file, digest: await digestFile(file) } };
  const run = await toyRun(`${folder.path}/cache`, { steps: [misbehaving("touch", "touches", inputs, file)] });
  assert.equal(run.status, "ok");
  assert.deepEqual(complaints(run.events), [
    `touches: "${file}" changed while it ran: its outputs are of the earlier bytes, run again`,
  ]);
});

Deno.test("runPlan() gives each step a scratch folder, and removes it", async () => {
  await using folder = new TemporaryFolder();
  const run = await toyRun(folder.path, { steps: [misbehaving("tell scratch")] });
  assert.equal(run.status, "ok");
  assert.deepEqual([...Deno.readDirSync(`${folder.path}/scratch`)], []);
});

Deno.test("runPlan() refuses what an executor gives beyond the declared outputs", async () => {
  await using folder = new TemporaryFolder();
  const executor: Executor = {
    slots: 1,
    run: () => Promise.resolve(new Map([["out.txt", new Uint8Array()], ["more.txt", new Uint8Array()]])),
    close: () => Promise.resolve(),
  };
  const run = await toyRun(folder.path, { steps: [misbehaving("behave")], executor });
  assert.deepEqual(complaints(run.events), ['bad: Step "bad" wrote "more.txt", which it does not declare']);
});

Deno.test("runPlan() fails a step of a kind without a module, and one whose module cannot be loaded", async () => {
  await using folder = new TemporaryFolder();
  const odd = step("odd", "odd", null, {}, ["out.txt"]);
  const none = await toyRun(folder.path, { steps: [odd] });
  assert.deepEqual(complaints(none.events), ['odd: Could not run step "odd": unknown kind "odd"']);
  const modules = { odd: new URL("./step.ts", import.meta.url).href };
  assert.match(
    complaints((await toyRun(folder.path, { steps: [odd], modules })).events).join(),
    /does not export a function "run"/,
  );
  const missing = { odd: new URL("./toy/absent.ts", import.meta.url).href };
  assert.match(
    complaints((await toyRun(folder.path, { steps: [odd], modules: missing })).events).join(),
    /Module not found/,
  );
});

Deno.test("runPlan() counts a step as done although its record could not be kept, and says so", async () => {
  await using folder = new TemporaryFolder();
  await Deno.mkdir(`${folder.path}/records/toy.json/in-the-way`, { recursive: true });
  const steps = [misbehaving("behave")];
  await assert.rejects(toyRun(folder.path, { steps }), /toy\.json": a folder is in the place of a file/);
  await Deno.remove(`${folder.path}/records`, { recursive: true });
  await Deno.writeTextFile(`${folder.path}/data.txt`, "");
  const inputs = { file: { file: `${folder.path}/data.txt`, digest: await digestFile(`${folder.path}/data.txt`) } };
  const blocks = misbehaving("touch", "blocks", inputs, `${folder.path}/records`);
  const run = await toyRun(folder.path, { steps: [blocks] });
  assert.equal(run.status, "ok");
  assert.match(complaints(run.events).join("\n"), /undefined: Could not write ".*toy\.json"/);
});
