import assert from "node:assert/strict";
import { InputError } from "../errors.ts";
import { RunLock, whoRuns } from "./run_lock.ts";
import { TemporaryFolder } from "./toy/rig.ts";

Deno.test("RunLock.acquire() refuses a second holder until the first lets go", async () => {
  await using folder = new TemporaryFolder();
  {
    await using _first = await RunLock.acquire(folder.path);
    await assert.rejects(RunLock.acquire(folder.path), (error) => {
      return error instanceof InputError && error.message.includes(folder.path);
    });
  }
  await using _second = await RunLock.acquire(folder.path);
});

Deno.test("whoRuns() tells the process and its steps while the lock is held", async () => {
  await using folder = new TemporaryFolder();
  assert.equal(await whoRuns(folder.path), null);
  {
    await using lock = await RunLock.acquire(folder.path);
    lock.announce(["a/b", "c"]);
    let holder = await whoRuns(folder.path);
    for (let i = 0; i < 100 && !holder?.steps.length; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      holder = await whoRuns(folder.path);
    }
    assert.deepEqual(holder, { pid: Deno.pid, steps: ["a/b", "c"] });
  }
  assert.equal(await whoRuns(folder.path), null);
});

Deno.test("RunLock.acquire() takes over from a process that was killed", async () => {
  await using folder = new TemporaryFolder();
  const module = new URL("./run_lock.ts", import.meta.url).href;
  const code = `const { RunLock } = await import(${JSON.stringify(module)});
    await RunLock.acquire(${JSON.stringify(folder.path)});
    console.log("held");
    setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", code], stdout: "piped" }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  assert.equal(typeof (await whoRuns(folder.path))?.pid, "number");
  await assert.rejects(RunLock.acquire(folder.path), InputError);
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  await using _lock = await RunLock.acquire(folder.path);
});
