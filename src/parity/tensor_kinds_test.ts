import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runParity } from "./run.ts";

const testdata = fileURLToPath(new URL("../../testdata/", import.meta.url));
const golden = fileURLToPath(new URL("../../../shared/golden/", import.meta.url));
const missing = !existsSync(golden);
if (missing) console.log("Skipped: parity with the larger fixtures needs ../shared/golden");

/** The fixtures by folder, and how many expected keys each of them has. */
const KEPT = {
  adalora: 82,
  "adamw-trajectory": 75,
  "adapter-houlsby": 22,
  "adapter-pfeiffer": 14,
  "bayesian-bits": 183,
  "bitfit": 25,
  "deberta-cls2": 52,
  "lora-qkv": 26,
};
const LARGER = { "deberta-3label-long": 52, "deberta-len1": 52, "deberta-reg": 52, "lora-all6": 44 };

async function agrees(folder: string, engine: string, keys: number): Promise<void> {
  const rows = await Array.fromAsync(runParity([folder], { engine }));
  assert.equal(rows.length, keys);
  for (const { key, verdict, note } of rows) assert.equal(verdict, "ok", `${key} ${note}`);
}

for (const engine of ["cpu", "portable"]) {
  for (const [name, keys] of Object.entries(KEPT)) {
    Deno.test(`runParity() agrees with ${name} on ${engine}`, () => agrees(testdata + name, engine, keys));
  }
}

for (const [name, keys] of Object.entries(LARGER)) {
  Deno.test({
    name: `runParity() agrees with ${name} on cpu`,
    ignore: missing,
    fn: () => agrees(golden + name, "cpu", keys),
  });
}
