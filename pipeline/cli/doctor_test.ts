import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ENGINE_NAMES } from "../../src/engines/open.ts";
import { resources } from "./doctor.ts";

Deno.test("resources() gives a command where memory or disk is short, and only there", () => {
  const plenty = resources({ total: 64e9, available: 32e9, disk: 50e9 });
  assert.deepEqual(plenty.filter(({ remedy }) => remedy), []);
  assert.equal(plenty[1]!.state, "32.0 GB of 64.0 GB free");
  const [, memory, disk] = resources({ total: 4e9, available: 1e9, disk: 1e9 });
  assert.match(memory!.remedy!, /deno task reproduce --jobs 1$/);
  assert.match(disk!.remedy!, /deno task reproduce --cache DIR --results DIR$/);
});

Deno.test("doctor says of every engine that it runs, or which command to type", async () => {
  const script = `import { doctorCommand } from ${JSON.stringify(import.meta.resolve("./doctor.ts"))};
    await doctorCommand(); Deno.exit(0);`;
  const config = new URL(import.meta.resolve("../../deno.json")).pathname;
  const { stdout } = await promisify(execFile)(Deno.execPath(), ["eval", "--no-lock", `--config=${config}`, script], {
    timeout: 60_000,
  });
  const lines = stdout.trim().split("\n");
  for (const name of ENGINE_NAMES) {
    const line = lines.find((line) => line.startsWith(`${name} `));
    assert.match(line ?? `${name} is missing`, /^\w+ +(runs|The engine "\w+" .+: .*type (deno|apt-get) .+)/);
  }
});
