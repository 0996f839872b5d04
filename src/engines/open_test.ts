import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { UsageError } from "../errors.ts";
import { ENGINE_NAMES, parseEngineName } from "./open.ts";

Deno.test("parseEngineName() takes the engines there are and names them for any other", () => {
  for (const name of ENGINE_NAMES) assert.equal(parseEngineName(name), name);
  for (const name of ["", "CPU", "webgpu", "toString"]) {
    assert.throws(() => parseEngineName(name), (error) => {
      assert.ok(error instanceof UsageError);
      assert.equal(error.message, `Unknown engine "${name}": expected one of portable, native, tensorflow, cpu`);
      return true;
    });
  }
});

/** Opens the engine in a process that may not use the network. @returns its output: "opened", or the error's name and message */
function openOffline(engine: string): Promise<string> {
  const script = `import { openEngine } from ${JSON.stringify(import.meta.resolve("./open.ts"))};
    await openEngine(${
    JSON.stringify(engine)
  }).then(() => console.log("opened"), (e) => console.log(e.name + ": " + e.message));`;
  const args = [
    "eval",
    "--cached-only",
    "--no-lock",
    `--config=${new URL(import.meta.resolve("../../deno.json")).pathname}`,
    script,
  ];
  return new Promise((resolve, reject) => {
    execFile(
      Deno.execPath(),
      args,
      { timeout: 20_000 },
      (error, stdout) => error ? reject(error) : resolve(stdout.trim()),
    );
  });
}

Deno.test("openEngine() says in one sentence what to do where TensorFlow is not installed", async () => {
  const answer = await openOffline("tensorflow");
  if (answer === "opened") return;
  assert.match(
    answer,
    /^InputError: The engine "tensorflow" is not installed \(.+\): use --engine native, or install [^\n]+$/,
  );
});
