import assert from "node:assert/strict";
import type { Device, Executable, Program } from "./engine.ts";
import { ProgramCache } from "./program_cache.ts";

/** A device that runs nothing and remembers what was loaded and disposed of. A program called `bad` does not load. */
class Recorder implements Device {
  readonly loaded: string[] = [];
  readonly disposed: string[] = [];

  load({ name }: Program): Promise<Executable> {
    this.loaded.push(name);
    if (name === "bad") return Promise.reject(new Error("No kernel for it"));
    return Promise.resolve({
      run: () => Promise.resolve({}),
      dispose: () => {
        this.disposed.push(name);
        return Promise.resolve();
      },
    });
  }
  write(): void {}
  read(): never {
    throw new Error("Nothing is kept here");
  }
  clear(): void {}
}

const named = (name: string) => (): Program => ({ name, inputs: {}, apply: () => ({}) });

/** Loads one program after the other, each under its own name. */
async function load(cache: ProgramCache, names: readonly string[]): Promise<Executable[]> {
  const executables = [];
  for (const name of names) executables.push(await cache.load(name, named(name)));
  return executables;
}

Deno.test("ProgramCache loads a program once, however often and however closely together it is asked for", async () => {
  const device = new Recorder(), cache = new ProgramCache(device);
  const [first, second] = await Promise.all([cache.load("a", named("a")), cache.load("a", named("a"))]);
  assert.equal(first, second);
  assert.equal((await load(cache, ["b", "a"]))[1], first);
  assert.deepEqual(device.loaded, ["a", "b"]);
});

Deno.test("ProgramCache does not even build a program that it has", async () => {
  const cache = new ProgramCache(new Recorder());
  await load(cache, ["a"]);
  await cache.load("a", () => assert.fail("built again"));
});

Deno.test("ProgramCache disposes of the program that was used longest ago", async () => {
  const device = new Recorder(), cache = new ProgramCache(device, 2);
  await load(cache, ["a", "b", "a", "c"]);
  assert.deepEqual(device.disposed, ["b"]);
  await load(cache, ["a", "d"]);
  assert.deepEqual(device.disposed, ["b", "c"]);
  await load(cache, ["b"]);
  assert.deepEqual(device.loaded, ["a", "b", "c", "d", "b"]);
});

Deno.test("ProgramCache tries a program again that could not be loaded", async () => {
  const device = new Recorder(), cache = new ProgramCache(device, 2);
  for (let i = 0; i < 2; i++) await assert.rejects(cache.load("x", named("bad")), /^Error: No kernel for it$/);
  await load(cache, ["a", "b", "c"]);
  assert.deepEqual(device.loaded, ["bad", "bad", "a", "b", "c"]);
  assert.deepEqual(device.disposed, ["a"]);
});
