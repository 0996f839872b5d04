import assert from "node:assert/strict";
import { InputError } from "../errors.ts";
import { digestBytes, type StepKey } from "./fingerprint.ts";
import { checkFolder, compareLocks, LOCK_NAME, readLock, type ResultsLock, writeLock } from "./lock_file.ts";
import { materialize } from "./materialize.ts";
import type { Manifest } from "./store.ts";
import { Store } from "./store.ts";
import { TemporaryFolder } from "./toy/rig.ts";

const KEY = "a".repeat(64) as StepKey;
const ONE = digestBytes(new Uint8Array([1])), TWO = digestBytes(new Uint8Array([2]));

function lock(files: Record<string, typeof ONE>): ResultsLock {
  const entries = Object.entries(files).map(([file, sha256]) => [file, { sha256, step: "s", fingerprint: KEY }]);
  return { format: 1, files: Object.fromEntries(entries) };
}

Deno.test("compareLocks() names each file that differs, is missing, or is extra", () => {
  assert.deepEqual(compareLocks(lock({ a: ONE, b: ONE, c: ONE }), lock({ d: TWO, b: TWO, a: ONE })), [
    { file: "b", kind: "differs" },
    { file: "c", kind: "missing" },
    { file: "d", kind: "extra" },
  ]);
});

Deno.test("compareLocks() does not mind another fingerprint of the same bytes", () => {
  const other = {
    format: 1,
    files: { a: { sha256: ONE, step: "t", fingerprint: "b".repeat(64) as StepKey } },
  } as const;
  assert.deepEqual(compareLocks(lock({ a: ONE }), other), []);
});

Deno.test("writeLock() writes the same text whatever the order, and readLock() reads it back", async () => {
  await using folder = new TemporaryFolder();
  assert.equal(await readLock(folder.path), null);
  await writeLock(folder.path, lock({ b: TWO, a: ONE }));
  const path = `${folder.path}/${LOCK_NAME}`, text = await Deno.readTextFile(path);
  assert.deepEqual(await readLock(folder.path), lock({ a: ONE, b: TWO }));
  await Deno.remove(path);
  await writeLock(folder.path, lock({ a: ONE, b: TWO }));
  assert.equal(await Deno.readTextFile(path), text);
});

for (const text of ["", "{", "null", "[]", '{"format":2,"files":{}}', '{"format":1}', '{"format":1,"files":null}']) {
  Deno.test(`readLock() refuses ${JSON.stringify(text)}`, async () => {
    await using folder = new TemporaryFolder();
    await Deno.writeTextFile(`${folder.path}/${LOCK_NAME}`, text);
    await assert.rejects(readLock(folder.path), InputError);
  });
}

/** A store with one step of two outputs, and the outcome that says so. */
async function rig(folder: string, a: number, b: number) {
  const store = new Store(`${folder}/cache`);
  const outputs: Manifest = await store.put(KEY, new Map([["a", new Uint8Array([a])], ["b", new Uint8Array([b])]]));
  const files = { "tables/a.md": { step: "s", output: "a" }, "b.md": { step: "s", output: "b" } };
  return { store, outcome: { steps: new Map([["s", { key: KEY, outputs }]]) }, folder: `${folder}/results`, files };
}

Deno.test("materialize() writes what changed and checkFolder() agrees", async () => {
  await using folder = new TemporaryFolder();
  const first = await materialize({ ...await rig(folder.path, 1, 2), complete: true });
  assert.deepEqual(first.written, ["b.md", "tables/a.md"]);
  const second = await materialize({ ...await rig(folder.path, 1, 3), complete: true });
  assert.deepEqual(second.written, ["b.md"]);
  const results = `${folder.path}/results`;
  assert.deepEqual(await checkFolder(results, second.lock), []);
  assert.deepEqual(await readLock(results), second.lock);
  await Deno.writeTextFile(`${results}/b.md`, "by hand");
  await Deno.remove(`${results}/tables/a.md`);
  assert.deepEqual(await checkFolder(results, second.lock), [
    { file: "b.md", kind: "differs" },
    { file: "tables/a.md", kind: "missing" },
  ]);
});

Deno.test("materialize() removes what it no longer makes, unless only a part was asked for", async () => {
  await using folder = new TemporaryFolder();
  const whole = await rig(folder.path, 1, 2), part = { ...whole, files: { "b.md": whole.files["b.md"] } };
  await materialize({ ...whole, complete: true });
  assert.deepEqual(Object.keys((await materialize({ ...part, complete: false })).lock.files), ["b.md", "tables/a.md"]);
  const rest = await materialize({ ...part, complete: true });
  assert.deepEqual([rest.removed, Object.keys(rest.lock.files)], [["tables/a.md"], ["b.md"]]);
  await assert.rejects(Deno.stat(`${folder.path}/results/tables/a.md`), Deno.errors.NotFound);
});

Deno.test("materialize() keeps the file and the lock of a step that did not end well", async () => {
  await using folder = new TemporaryFolder();
  const whole = await rig(folder.path, 1, 2);
  const before = await materialize({ ...whole, complete: true });
  const failed = await materialize({ ...whole, outcome: { steps: new Map() }, complete: true });
  assert.deepEqual([failed.written, failed.removed, failed.lock], [[], [], before.lock]);
});
