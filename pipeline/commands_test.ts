/** Commands in processes of their own: those that download or write, which must not happen to this repository. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { findSource, pathOf, readSources } from "../src/fetch/sources.ts";
import { TemporaryFolder } from "../src/graph/toy/rig.ts";
import { TARGET_NAMES } from "../src/peft/method.ts";
import { METHOD_NAMES } from "../src/peft/registry.ts";

/** Runs a program of ours in a process of its own, and in a folder of its own. */
async function spawn(
  cwd: string,
  program: string,
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  const script = fileURLToPath(new URL(program, import.meta.url));
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", script, ...args], cwd });
  const { code, stdout, stderr } = await command.output(), decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test("deno task reproduce --help prints help without failing", async () => {
  const { code, out, err } = await spawn(".", "./main.ts", "reproduce", "--help");
  assert.deepEqual([code, err], [0, ""]);
  for (const flag of ["--profile", "--engine", "--jobs", "--only", "--dry-run", "--check"]) {
    assert.ok(out.includes(flag));
  }
});

Deno.test("deno task reproduce refuses results that cannot be written before it computes anything", async () => {
  await using folder = new TemporaryFolder();
  const { code, err } = await spawn(folder.path, "./main.ts", "reproduce", "--results", "/dev/null/x");
  const why = "a part of the path is a file, not a folder; mend that, or choose another folder with --results DIR";
  assert.deepEqual([code, err], [1, `Could not write results to "/dev/null/x/mini": ${why}\n`]);
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

const GLUE_MINI = ["--profile", "glue-mini"], cola = findSource(readSources(), "CoLA.zip");

Deno.test("deno task fetch names a file that the mirror does not have, and --check what is missing", async () => {
  await using folder = new TemporaryFolder();
  const { code, err } = await spawn(folder.path, "./main.ts", "fetch", ...GLUE_MINI, "--mirror", folder.path);
  const why = `there is no file "${folder.path}/${pathOf(cola)}"; put it there, or leave out --mirror to download it`;
  assert.deepEqual([code, err], [1, `Cannot find "CoLA.zip" in the mirror: ${why}\n`]);
  const checked = await spawn(folder.path, "./main.ts", "fetch", ...GLUE_MINI, "--check");
  assert.equal(checked.code, 1);
  assert.match(checked.out, /^missing {2}CoLA\.zip$/m);
  assert.equal(checked.err, "7 of 7 inputs are not as pinned: type deno task fetch --profile glue-mini\n");
});

Deno.test("deno task fetch refuses a file of the right size and the wrong sha256, and keeps nothing of it", async () => {
  await using folder = new TemporaryFolder();
  const path = `${folder.path}/mirror/${pathOf(cola)}`, bytes = new Uint8Array(cola.bytes!);
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeFile(path, bytes);
  const { code, err } = await spawn(folder.path, "./main.ts", "fetch", ...GLUE_MINI, "--mirror", "mirror");
  const digest = createHash("sha256").update(bytes).digest("hex"), line = err.trimEnd().split("\n").at(-1);
  assert.equal(
    line,
    `Cannot use "CoLA.zip" from "mirror/${pathOf(cola)}": its sha256 is ${digest}, expected ${cola.sha256}`,
  );
  assert.equal(code, 1);
  assert.deepEqual([...Deno.readDirSync(dirname(`${folder.path}/data/downloads/${pathOf(cola)}`))], []);
});

Deno.test("deno task reproduce of a profile with downloads says how to do without the network", async () => {
  await using folder = new TemporaryFolder();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }), { port } = listener.addr;
  listener.close();
  const mirror = ["--mirror", `http://127.0.0.1:${port}`];
  const { code, err } = await spawn(folder.path, "./main.ts", "reproduce", ...GLUE_MINI, ...mirror);
  assert.equal(code, 1);
  const [what, remedy] = err.split("; ");
  assert.match(what!, /^Cannot download "CoLA.zip" in 3 attempts: [^\n]*$/);
  assert.match(remedy!, /^check the network, or pass --mirror with [^\n]*\n$/);
});

Deno.test("deno task reproduce downloads what its steps read, and nothing else of the profile", async () => {
  await using folder = new TemporaryFolder();
  const only = ["--profile", "small", "--only", "vocabulary", "--mirror", folder.path];
  const { code, err } = await spawn(folder.path, "./main.ts", "reproduce", ...only);
  assert.equal(code, 1);
  assert.match(err, /^Cannot find "deberta-v3-base\/spm\.model" in the mirror: [^\n]*\n$/);
});

Deno.test("deno task reproduce refuses an unknown step before it downloads anything", async () => {
  await using folder = new TemporaryFolder();
  const only = ["--only", "nope", "--mirror", folder.path];
  const { code, err } = await spawn(folder.path, "./main.ts", "reproduce", ...GLUE_MINI, ...only);
  assert.equal(code, 2);
  assert.match(err, /^Unknown step "nope": expected [^\n]*\n$/);
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("deno task bench names the methods there are, and refuses options that it does not have", async () => {
  const method = await spawn(".", "../bench/main.ts", "--method", "nope");
  const names = METHOD_NAMES.join(", ");
  assert.deepEqual(method, { code: 2, out: "", err: `Unknown method "nope": expected one of ${names}\n` });
  const target = await spawn(".", "../bench/main.ts", "--target", "nope");
  const why = `Unknown choice of matrices "nope": expected one of ${TARGET_NAMES.join(", ")}\n`;
  assert.deepEqual(target, { code: 2, out: "", err: why });
  const gates = await spawn(".", "../bench/main.ts", "--profile", "--gate-logit", "2");
  assert.deepEqual([gates.code, gates.out], [2, ""]);
  assert.match(gates.err, /^--gate-logit does nothing for lora, without gates: leave it out/m);
  const option = await spawn(".", "../bench/main.ts", "--nope");
  assert.deepEqual(option, { code: 2, out: "", err: `Unknown option "--nope"; type deno task bench --help\n` });
});
