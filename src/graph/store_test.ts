import assert from "node:assert/strict";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { digestBytes, type StepKey } from "./fingerprint.ts";
import { DamagedOutput, Store } from "./store.ts";
import { TemporaryFolder } from "./toy/rig.ts";

const KEY = "a".repeat(64) as StepKey, OTHER = "b".repeat(64) as StepKey;
const HELLO = new TextEncoder().encode("hello"), WORLD = new TextEncoder().encode("world");
const OUTPUTS = new Map([["a.txt", HELLO], ["b.txt", WORLD]]);

/** Every file below a folder whose path contains a text. */
function filesBelow(folder: string, part: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory ? filesBelow(path, part) : path.includes(part) ? [path] : [];
  });
}

/** Where the bytes of a digest lie. */
function blobOf(store: Store, bytes: Uint8Array): string {
  const digest = digestBytes(bytes);
  return filesBelow(store.folder, digest.slice(4)).find((path) => path.includes("content")) as string;
}

function flip(path: string): void {
  const bytes = Deno.readFileSync(path);
  bytes[2] = (bytes[2] as number) ^ 4;
  Deno.writeFileSync(path, bytes);
}

Deno.test("store.get() finds what store.put() kept, and store.read() gives its bytes", async () => {
  await using folder = new TemporaryFolder();
  const store = new Store(folder.path);
  assert.deepEqual(await store.get(KEY), { kind: "miss" });
  const manifest = await store.put(KEY, OUTPUTS);
  assert.deepEqual(manifest["a.txt"], { digest: digestBytes(HELLO), size: 5 });
  assert.deepEqual(await new Store(folder.path).get(KEY), { kind: "hit", outputs: manifest });
  assert.deepEqual(await store.read(digestBytes(WORLD)), new Uint8Array(WORLD));
});

Deno.test("store.put() keeps empty and large outputs", async () => {
  await using folder = new TemporaryFolder();
  const store = new Store(folder.path), large = new Uint8Array(3_000_000).fill(7);
  await store.put(KEY, new Map([["empty", new Uint8Array()], ["large", large]]));
  assert.equal((await store.get(KEY)).kind, "hit");
  assert.equal((await store.read(digestBytes(new Uint8Array()))).length, 0);
  assert.equal(digestBytes(await store.read(digestBytes(large))), digestBytes(large));
});

Deno.test("store.put() writes the bytes of a view, not of its whole buffer", async () => {
  await using folder = new TemporaryFolder();
  const store = new Store(folder.path), view = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
  await store.put(KEY, new Map([["view", view]]));
  assert.deepEqual(await store.read(digestBytes(view)), new Uint8Array([2, 3]));
});

Deno.test("store.read() refuses bytes that changed, and they can be put again", async () => {
  await using folder = new TemporaryFolder();
  const store = new Store(folder.path);
  await store.put(KEY, OUTPUTS);
  flip(blobOf(store, HELLO));
  assert.equal((await store.get(KEY)).kind, "hit", "a flipped bit keeps the size, which is all that get() looks at");
  await assert.rejects(store.read(digestBytes(HELLO)), DamagedOutput);
  assert.deepEqual(await store.get(KEY), { kind: "damaged", output: "a.txt" });
  await store.put(KEY, OUTPUTS);
  assert.deepEqual(await store.read(digestBytes(HELLO)), new Uint8Array(HELLO));
});

Deno.test("store.put() mends damaged bytes that nobody has read yet", async () => {
  await using folder = new TemporaryFolder();
  const store = new Store(folder.path);
  await store.put(KEY, OUTPUTS);
  flip(blobOf(store, HELLO));
  await store.put(OTHER, OUTPUTS);
  assert.deepEqual(await store.read(digestBytes(HELLO)), new Uint8Array(HELLO));
});

for (const how of ["truncated", "removed"] as const) {
  Deno.test(`store.get() tells of an output that was ${how}`, async () => {
    await using folder = new TemporaryFolder();
    const store = new Store(folder.path);
    await store.put(KEY, OUTPUTS);
    how === "removed" ? Deno.removeSync(blobOf(store, WORLD)) : Deno.truncateSync(blobOf(store, WORLD), 2);
    assert.deepEqual(await store.get(KEY), { kind: "damaged", output: "b.txt" });
    await assert.rejects(store.read(digestBytes(WORLD)), DamagedOutput);
  });
}

Deno.test("store.get() misses what a truncated, garbled or empty index no longer tells", async () => {
  for (const length of [0, 10, 100]) {
    await using folder = new TemporaryFolder();
    const store = new Store(folder.path);
    await store.put(KEY, OUTPUTS);
    for (const path of filesBelow(folder.path, "index-v5")) {
      const bytes = Deno.readFileSync(path);
      Deno.writeFileSync(path, bytes.subarray(0, bytes.length - 10).fill(65, length));
    }
    assert.deepEqual(await store.get(KEY), { kind: "miss" });
    await store.put(KEY, OUTPUTS);
    assert.equal((await store.get(KEY)).kind, "hit");
  }
});

Deno.test("store.put() by several writers at once keeps everything whole", async () => {
  await using folder = new TemporaryFolder();
  const stores = Array.from({ length: 8 }, () => new Store(folder.path));
  await Promise.all(
    stores.map((store, i) => store.put(i % 2 ? KEY : OTHER, new Map([...OUTPUTS, ["c.txt", new Uint8Array([i % 2])]]))),
  );
  for (const key of [KEY, OTHER]) assert.equal((await new Store(folder.path).get(key)).kind, "hit");
  assert.deepEqual(await new Store(folder.path).verify(), []);
});

Deno.test("store.forget() makes a step a miss", async () => {
  await using folder = new TemporaryFolder();
  const store = new Store(folder.path);
  await store.put(KEY, OUTPUTS);
  await store.forget(KEY);
  assert.deepEqual(await store.get(KEY), { kind: "miss" });
});

Deno.test("store.verify() names damaged outputs and drops their steps, and only those", async () => {
  await using folder = new TemporaryFolder();
  const store = new Store(folder.path);
  assert.deepEqual(await store.verify(), []);
  await store.put(KEY, OUTPUTS);
  await store.put(OTHER, new Map([["c.txt", HELLO]]));
  flip(blobOf(store, WORLD));
  assert.deepEqual(await store.verify(), [{ key: KEY, output: "b.txt", digest: digestBytes(WORLD) }]);
  assert.deepEqual(await store.get(KEY), { kind: "miss" });
  assert.equal((await store.get(OTHER)).kind, "hit");
  assert.deepEqual(await store.verify(), []);
});

Deno.test("store.put() says in one sentence why a folder cannot be written", async () => {
  await using folder = new TemporaryFolder();
  const path = join(folder.path, "file");
  Deno.writeTextFileSync(path, "");
  await assert.rejects(new Store(join(path, "cache")).put(KEY, OUTPUTS), (error) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(
      error.message,
      /^Could not write the cache ".*": a (part of the path|file is in the place).*--cache DIR$/,
    );
    return true;
  });
});
