import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ENGINE_NAMES } from "../../src/engines/open.ts";
import type { Run } from "../../src/programs.ts";
import { resources, tryEngine } from "./doctor.ts";

Deno.test("resources() gives a command where memory or disk is short, and only there", () => {
  const plenty = resources({ total: 64e9, available: 32e9, disk: 50e9 });
  assert.deepEqual(plenty.filter(({ remedy }) => remedy), []);
  assert.equal(plenty[1]!.state, "32.0 GB of 64.0 GB free");
  const [, memory, disk] = resources({ total: 4e9, available: 1e9, disk: 1e9 });
  assert.match(memory!.remedy!, /deno task reproduce --jobs 1$/);
  assert.match(disk!.remedy!, /deno task reproduce --cache DIR --results DIR$/);
});

Deno.test("doctor says of every engine that it runs, or which command to type, and nothing on standard error", async () => {
  const main = fileURLToPath(import.meta.resolve("../main.ts"));
  const { stdout, stderr } = await promisify(execFile)(Deno.execPath(), ["run", "-A", "--no-check", main, "doctor"], {
    timeout: 60_000,
  });
  const lines = stdout.trim().split("\n");
  for (const name of ENGINE_NAMES) {
    const line = lines.find((line) => line.startsWith(`${name} `));
    assert.match(line ?? `${name} is missing`, /^\w+ +(runs|The engine "\w+" .+: .*type (deno|apt-get) .+)/);
  }
  assert.equal(stderr, "");
});

Deno.test("tryEngine() passes on the last line of a trial, and tells how one that failed ended", async () => {
  const ended = (code: number, out: string, err: string): Run => () => Promise.resolve({ code, out, err });
  assert.deepEqual(await tryEngine("webgpu", ended(0, "a driver's greeting\nruns", "error: a driver's complaint")), {
    what: "webgpu",
    state: "runs",
  });
  const { state, remedy, trace } = await tryEngine("cuda", ended(139, "", "loading\nTypeError: x is no function\nbye"));
  assert.equal(state, "ended its process with code 139 (TypeError: x is no function)");
  const fault = await tryEngine("cuda", ended(1, "TypeError: y is no function", "at src/errors.ts"));
  assert.equal(fault.state, "ended its process with code 1 (TypeError: y is no function)");
  assert.match(remedy!, /deno task doctor --verbose/);
  assert.match(trace!, /^loading/);
  assert.match((await tryEngine("cpu", () => Promise.resolve(null))).state, /^was not tried/);
});
