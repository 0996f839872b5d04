import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { UsageError } from "../errors.ts";
import { ENGINE_NAMES, parseEngineName } from "./open.ts";

Deno.test("parseEngineName() takes the engines there are and names them for any other", () => {
  for (const name of ENGINE_NAMES) assert.equal(parseEngineName(name), name);
  for (const name of ["", "CPU", "directml", "toString"]) {
    assert.throws(() => parseEngineName(name), (error) => {
      assert.ok(error instanceof UsageError);
      assert.equal(
        error.message,
        `Unknown engine "${name}": expected one of portable, native, webgpu, cuda, tensorflow, cpu`,
      );
      return true;
    });
  }
});

/** Opens the engine in a process of its own. @returns its output: "opened", or the error's name and message */
function openAlone(engine: string): Promise<string> {
  const script = `import { openEngine } from ${JSON.stringify(import.meta.resolve("./open.ts"))};
    await openEngine(${
    JSON.stringify(engine)
  }).then(() => console.log("opened"), (e) => console.log(e.name + ": " + e.message));`;
  const args = [
    "eval",
    "--no-lock",
    `--config=${new URL(import.meta.resolve("../../deno.json")).pathname}`,
    script,
  ];
  return new Promise((resolve, reject) => {
    execFile(
      Deno.execPath(),
      args,
      { timeout: 120_000 },
      (error, stdout) => error ? reject(error) : resolve(stdout.trim()),
    );
  });
}

/** The answer of an engine that cannot run: why, and the command that mends it. */
const REFUSALS = {
  tensorflow:
    /^InputError: The engine "tensorflow" cannot run here \(.+\): type deno task setup:tensorflow, or use [^\n]+$/,
  webgpu: /^InputError: The engine "webgpu" cannot run here \(.+\): it needs .+; type apt-get install [^\n]+$/,
  cuda:
    /^InputError: The engine "cuda" cannot run here \(.+\): it needs .+; type deno run -A npm:onnxruntime-node@[^\n]+$/,
} as const;

for (const [engine, refusal] of Object.entries(REFUSALS)) {
  Deno.test(`openEngine() says in one sentence what to type where "${engine}" cannot run`, async () => {
    const answer = await openAlone(engine);
    if (answer !== "opened") assert.match(answer, refusal);
  });
}
