import assert from "node:assert/strict";
import { join } from "node:path";
import { type Run, runner } from "../../programs.ts";
import { type Job, StepFailure } from "../executor.ts";
import { digestBytes, type StepKey } from "../fingerprint.ts";
import { misbehaving, MODULES, tenSteps } from "../toy/pipeline.ts";
import { complaints, computed, digests, TemporaryFolder, toyRun } from "../toy/rig.ts";
import { SlurmExecutor, type SlurmOptions } from "./executor.ts";

/** Slurm's commands for machines that have no Slurm: jobs are processes of this one. */
const STAND_INS: Readonly<Record<string, string>> = {
  sbatch: `for arg; do case "$arg" in --output=*) log="\${arg#--output=}";; esac; script="$arg"; done
setsid sh "$script" >"$log" 2>&1 </dev/null &
echo $!`,
  scontrol: `for id; do :; done
if kill -0 "$id" 2>/dev/null; then echo "JobId=$id JobState=RUNNING"; else echo "JobId=$id JobState=FAILED"; fi`,
  scancel: `for id; do kill -9 "-$id"; done`,
};

const real = (await runner()("sinfo", ["--noheader"]))?.code === 0;
console.log(real ? "Jobs run on this machine's Slurm" : "Jobs run on stand-ins for Slurm's commands");

/** A cache with what runs jobs under it, and a folder of commands if need be. */
class Cluster extends TemporaryFolder {
  readonly cache = join(this.path, "cache");
  readonly run: Run;

  constructor() {
    super();
    const commands = join(this.path, "bin");
    Deno.mkdirSync(commands);
    if (!real) {
      for (const [name, script] of Object.entries(STAND_INS)) {
        Deno.writeTextFileSync(join(commands, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      }
    }
    this.run = runner(real ? undefined : `${commands}:${Deno.env.get("PATH")}`);
  }

  executor(options: Partial<SlurmOptions> = {}): SlurmExecutor {
    const { cache, run } = this, base = { cache, run, modules: MODULES, slots: 4, pace: 50, patience: 2 };
    return new SlurmExecutor({ ...base, isLong: () => true, needsGpu: () => false, ...options });
  }
}

const jobOf = (behaviour: string): Job => ({
  step: misbehaving(behaviour),
  key: `key-of-${behaviour}` as StepKey,
  read: () => assert.fail("it has no inputs"),
  progress: () => {},
});

Deno.test("SlurmExecutor leaves the bytes that Workers leave, whether steps run as jobs or here", async () => {
  await using cluster = new Cluster(), local = new TemporaryFolder();
  const executor = cluster.executor({ isLong: ({ kind }) => kind !== "describe" });
  const run = await toyRun(cluster.cache, { executor });
  assert.deepEqual([run.status, complaints(run.events), computed(run.events).length], ["ok", [], 10]);
  assert.deepEqual(digests(run), digests(await toyRun(local.path)));
  assert.deepEqual([...Deno.readDirSync(join(cluster.cache, "slurm"))], []);
});

Deno.test("SlurmExecutor lays an input down once for all jobs that read it, and takes it away in the end", async () => {
  await using cluster = new Cluster();
  const executor = cluster.executor(),
    bytes = new Uint8Array([1, 2, 3]),
    folder = join(cluster.cache, "slurm", "inputs");
  const jobs = ["a", "b", "c"].map((name): Job => ({
    ...jobOf("read"),
    step: misbehaving("read", name, { file: { file: "somewhere", digest: digestBytes(bytes) } }),
    key: `key-of-${name}` as StepKey,
    read: () => Promise.resolve(bytes.slice()),
  }));
  for (const written of await Promise.all(jobs.map((job) => executor.run(job)))) {
    assert.deepEqual(written.get("out.txt"), bytes);
  }
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), [digestBytes(bytes)]);

  await Deno.writeFile(join(folder, digestBytes(bytes)), new Uint8Array([9]));
  assert.deepEqual((await executor.run(jobs[0]!)).get("out.txt"), bytes, "a damaged one is laid down again");
  await executor.close();
  assert.deepEqual([...Deno.readDirSync(join(cluster.cache, "slurm"))], []);
});

Deno.test("SlurmExecutor says what is wrong with a step, and that a job died without a word", async () => {
  await using cluster = new Cluster();
  const executor = cluster.executor();
  await assert.rejects(() => executor.run(jobOf("refuse")), (error: unknown) => {
    assert.ok(error instanceof StepFailure);
    assert.deepEqual([error.message, error.trace], ["Could not do it: expected something else", undefined]);
    return true;
  });
  await assert.rejects(() => executor.run(jobOf("kill yourself")), {
    name: "StepFailure",
    message: /^Slurm's job \d+ ended \((FAILED|forgotten)\) without a result: see .*job\.log$/,
  });
  await executor.close();
});

Deno.test("SlurmExecutor cancels its jobs when it is closed", async () => {
  await using cluster = new Cluster();
  const executor = cluster.executor(), running = executor.run(jobOf("spin"));
  running.catch(() => {});
  const folder = join(cluster.cache, "slurm", "key-of-spin");
  while (!await Deno.stat(join(folder, "job-id")).catch(() => null)) await new Promise((r) => setTimeout(r, 20));
  await executor.close();
  await assert.rejects(running, { message: "The run was stopped" });
  await new Promise((resolve) => setTimeout(resolve, 3500));
  assert.equal(await Deno.stat(join(folder, "result.json")).catch(() => null), null);
});

Deno.test("SlurmExecutor goes on with a job that a killed run left behind", async () => {
  await using cluster = new Cluster();
  const first = cluster.executor(), job = { ...jobOf("differ"), key: "same" as StepKey };
  const outputs = await first.run(job);
  // As if the run had been killed before it read the result.
  const folder = join(cluster.cache, "slurm", "same");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "job-id"), "1");
  await Deno.writeTextFile(join(folder, "result.json"), JSON.stringify({ kind: "done", outputs: ["out.txt"] }));
  await Deno.writeFile(join(folder, "output-0"), outputs.get("out.txt")!);
  const second = cluster.executor({
    run: (program, args) => {
      assert.notEqual(program, "sbatch", "submitted again");
      return cluster.run(program, args);
    },
  });
  assert.deepEqual(await second.run(job), outputs);
});

Deno.test("SlurmExecutor says that there is no Slurm, and what it refused", async () => {
  await using cluster = new Cluster();
  const answers = (answer: Awaited<ReturnType<Run>>): Run => () => Promise.resolve(answer);
  await assert.rejects(() => cluster.executor({ run: answers(null) }).run(jobOf("behave")), {
    name: "InputError",
    message: "There is no sbatch here: use a machine of the cluster, or --executor local",
  });
  const refusal = { code: 1, out: "", err: "sbatch: error: Batch job submission failed: Invalid account" };
  await assert.rejects(() => cluster.executor({ run: answers(refusal) }).run(jobOf("behave")), {
    name: "InputError",
    message: /^Slurm refused the job "bad" \(.*Invalid account\): set SBATCH_PARTITION, SBATCH_ACCOUNT and the like$/,
  });
});

Deno.test("SlurmExecutor runs steps side by side that would share one GPU of this machine", async () => {
  await using cluster = new Cluster();
  const running = new Set<string>();
  let most = 0;
  const run = await toyRun(cluster.cache, {
    steps: tenSteps().map((step) => ({ ...step, slot: "gpu" })),
    executor: cluster.executor({ isLong: () => false }),
    emit: (event) => {
      if (event.type === "finished") running.delete(event.step);
      if (event.type === "started") most = Math.max(most, running.add(event.step).size);
    },
  });
  assert.equal(run.status, "ok");
  assert.ok(most > 1, `${most} at a time`);
});
