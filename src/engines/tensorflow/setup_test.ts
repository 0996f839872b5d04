import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BINDING, INSTALLED_AT, LIBRARIES, readInstallation, writeInstallation } from "./installation.ts";
import { checkRoom, findLibraries, installWheel, requirementsOf } from "./libraries.ts";
import { TFJS_NODE } from "./package.ts";
import { complaint, type Run, runner } from "../../programs.ts";
import { cudaDevices } from "../cuda_devices.ts";
import { openTensorFlow } from "./open.ts";
import { refuseOld, setUpTensorFlow } from "./setup.ts";

/** A folder that is removed after the test. */
async function scratch(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), "tensorflow-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** The first bytes of a shared library for a processor. */
function elf(machine: number): Uint8Array {
  const header = new Uint8Array(64);
  header.set([0x7f, 0x45, 0x4c, 0x46]);
  header[18] = machine;
  return header;
}
const HERE = Deno.build.arch === "aarch64" ? 183 : 62, ELSEWHERE = HERE === 62 ? 183 : 62;

/** Folders with what looks like TensorFlow. */
async function pretend(root: string, { headers = true, machine = HERE } = {}): Promise<void> {
  await mkdir(join(root, "include/tensorflow/c"), { recursive: true });
  if (headers) await writeFile(join(root, "include/tensorflow/c/c_api.h"), "");
  for (const name of ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"]) {
    await writeFile(join(root, name), elf(machine));
  }
}

/** Programs of a PATH on which nothing but these lies; each is a shell script. */
async function programs(folder: string, scripts: Record<string, string>): Promise<Run> {
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return runner(folder);
}

const DOWNLOADS = Deno.build.os === "linux" && Deno.build.arch === "x86_64";
const message = (pattern: RegExp) => (error: Error) => {
  assert.equal(error.name, "InputError");
  assert.match(error.message, pattern);
  assert.doesNotMatch(error.message, /\n|\.$/);
  return true;
};

Deno.test("findLibraries() finds them in a folder, in its lib, and in its tensorflow", async () => {
  await using folder = await scratch();
  const wheel = join(folder.path, "site/tensorflow");
  await pretend(wheel);
  assert.equal((await findLibraries(wheel)).folder, wheel);
  assert.equal((await findLibraries(join(folder.path, "site"))).include, join(wheel, "include"));
  const unpacked = join(folder.path, "c");
  await pretend(join(unpacked, "lib"));
  await symlink(join(unpacked, "lib/include"), join(unpacked, "include"));
  assert.equal((await findLibraries(unpacked)).main, join(unpacked, "lib/libtensorflow_cc.so.2"));
});

Deno.test("findLibraries() says what is missing, and refuses libraries for another processor", async () => {
  await using folder = await scratch();
  await assert.rejects(
    findLibraries(folder.path),
    message(/^There is no TensorFlow in ".+": expected libtensorflow_cc/),
  );
  await pretend(folder.path, { headers: false });
  await assert.rejects(findLibraries(folder.path), message(/have no headers: expected ".+c_api\.h" beside them$/));
  await pretend(folder.path, { machine: ELSEWHERE });
  await assert.rejects(findLibraries(folder.path), message(/^The library ".+" is for \w+: expected one for \w+$/));
});

Deno.test(
  "installWheel() names pip where it is missing, and what pip said where it failed",
  { ignore: !DOWNLOADS },
  async () => {
    await using folder = await scratch();
    const bare = await programs(folder.path, {});
    await assert.rejects(
      installWheel("cpu", folder.path, bare),
      message(/^pip is not installed: type apt-get install python3-pip/),
    );
    const failing = await programs(folder.path, {
      python3: `case "$*" in *--version) exit 0;; *) echo "ERROR: No matching distribution" >&2; exit 1;; esac`,
    });
    await assert.rejects(
      installWheel("cpu", folder.path, failing),
      message(
        /^pip could not install tensorflow-cpu==2\.21\.0 \(ERROR: No matching distribution\): mend that, or type/,
      ),
    );
  },
);

Deno.test(
  "installWheel() asks pip for one version and one digest, and for nothing else",
  { ignore: !DOWNLOADS },
  async () => {
    await using folder = await scratch();
    const run = await programs(folder.path, { python3: `echo "$*" >> "${folder.path}/asked"` });
    assert.equal(await installWheel("cpu", folder.path, run), join(folder.path, "tensorflow"));
    const asked = (await readFile(join(folder.path, "asked"), "utf8")).trim().split("\n");
    assert.equal(asked.length, 2); // Its version, and the installation.
    assert.match(asked[1]!, /--no-deps .*--require-hashes --requirement/);
    assert.match(
      await readFile(join(folder.path, "requirements.txt"), "utf8"),
      /^tensorflow-cpu==2\.21\.0 --hash=sha256:[0-9a-f]{64}\n$/,
    );
  },
);

Deno.test("checkRoom() says how much is free and how much is needed", async () => {
  await using folder = await scratch();
  await checkRoom(folder.path, 0);
  await assert.rejects(checkRoom(folder.path, 1e18), message(/GB free and TensorFlow needs 1000000000\.0: free some/));
});

Deno.test("setUpTensorFlow() names the compiler where it is missing, and records nothing", async () => {
  await using folder = await scratch();
  const from = join(folder.path, "from"), at = join(folder.path, "at"), bin = join(folder.path, "bin");
  await pretend(from);
  await mkdir(bin);
  const options = { from, folder: at, tell: () => {} };
  await assert.rejects(
    setUpTensorFlow({ ...options, run: await programs(bin, {}) }),
    message(/^The compiler "g\+\+" is not installed: type apt-get install g\+\+$/),
  );
  const failing = await programs(bin, { "g++": `echo "a.cc:1: error: no such thing" >&2; exit 1` });
  await assert.rejects(
    setUpTensorFlow({ ...options, run: failing }),
    message(/^TensorFlow's binding does not compile against ".+" \(a\.cc:1: error: no such thing\)$/),
  );
  assert.equal(await readInstallation(at), null);
});

Deno.test("setUpTensorFlow() refuses a binding that does not load, and compiles it again the next time", async () => {
  await using folder = await scratch();
  const from = join(folder.path, "from"),
    at = join(folder.path, "at"),
    bin = join(folder.path, "bin"),
    log: string[] = [];
  await pretend(from);
  await mkdir(bin);
  const compiler = `while [ "$1" != -o ]; do shift; done; echo broken > "$2"`;
  const programsHere = await programs(bin, { "g++": compiler });
  const run: Run = (program, args) =>
    program === Deno.execPath() ? runner()(program, args) : programsHere(program, args);
  const set = () => setUpTensorFlow({ from, folder: at, run, tell: (line) => log.push(line) });
  for (let i = 0; i < 2; i++) {
    await assert.rejects(set(), message(/^The binding ".+" was compiled and does not work \(/));
  }
  assert.equal(log.filter((line) => line.startsWith("Compiling")).length, 2);
});

Deno.test("setUpTensorFlow() compiles once, and again for other libraries", async () => {
  await using folder = await scratch();
  const at = join(folder.path, "at"), bin = join(folder.path, "bin"), log: string[] = [];
  await mkdir(bin);
  const fake = await programs(bin, { "g++": `while [ "$1" != -o ]; do shift; done; echo compiled > "$2"` });
  const run: Run = (program, args) =>
    program === Deno.execPath()
      ? Promise.resolve({ code: 0, out: `said before\n{"version":"2.21.0","gpu":true}`, err: "" })
      : fake(program, args);
  const set = (from: string) => setUpTensorFlow({ from, folder: at, run, tell: (line) => log.push(line) });
  for (const name of ["one", "two"]) await pretend(join(folder.path, name));
  const order = ["one", "one", "two", "two", "one"];
  for (const name of order) {
    assert.equal(await set(join(folder.path, name)), "TensorFlow 2.21.0 runs on the GPU");
    assert.equal((await readInstallation(at))?.device, "gpu");
  }
  const compiled = log.filter((line) => line !== "Testing it").map((line) => line.startsWith("Compiling"));
  assert.deepEqual(compiled, [true, false, true, false, true]);
});

const installed = await readInstallation(INSTALLED_AT);
Deno.test(
  "openTensorFlow() refuses to compute on the processor what was set up on a GPU",
  { ignore: installed?.device !== "cpu" },
  async () => {
    await using folder = await scratch();
    for (const name of [BINDING, LIBRARIES]) await symlink(join(INSTALLED_AT, name), join(folder.path, name));
    await writeInstallation(folder.path, { ...installed!, device: "gpu" });
    await assert.rejects(openTensorFlow(folder.path), message(/\(it was set up on a GPU, and finds none\): type /));
    await writeInstallation(folder.path, installed);
    await openTensorFlow(folder.path);
  },
);

Deno.test("an installation that was interrupted, or that something else wrote, is none", async () => {
  await using folder = await scratch();
  assert.equal(await readInstallation(folder.path), null);
  const whole = { binding: TFJS_NODE, libraries: "/a", bytes: 3, flags: ["-O2"] };
  await writeInstallation(folder.path, whole);
  assert.deepEqual(await readInstallation(folder.path), whole);
  for (const text of ["{", "{}", JSON.stringify({ ...whole, bytes: "3" })]) {
    await writeFile(join(folder.path, "installed.json"), text);
    assert.equal(await readInstallation(folder.path), null);
  }
});

Deno.test("requirementsOf() lists the requirements of one extra", () => {
  const metadata =
    'Requires-Dist: numpy>=1.26\nRequires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"\n' +
    "Requires-Dist: other ; extra == 'gcs'\nRequires-Dist: nvidia-cudnn-cu12 <10.0,>=9.3.0.75 ; extra == 'and-cuda'\n";
  assert.deepEqual(requirementsOf(metadata, "and-cuda"), [
    "nvidia-cublas-cu12<13.0,>=12.5.3.2",
    "nvidia-cudnn-cu12<10.0,>=9.3.0.75",
  ]);
});

Deno.test("cudaDevices() reads the driver's list, and a GPU that is too old is named", async () => {
  await using folder = await scratch();
  assert.deepEqual(await cudaDevices(await programs(folder.path, {})), []);
  const run = await programs(folder.path, { "nvidia-smi": `echo "Tesla M60, 5.2"; echo "NVIDIA H200, 9.0"` });
  const devices = await cudaDevices(run);
  assert.deepEqual(devices, [{ name: "Tesla M60", capability: 5.2 }, { name: "NVIDIA H200", capability: 9 }]);
  refuseOld(devices);
  refuseOld([]);
  assert.throws(
    () => refuseOld(devices.slice(0, 1)),
    message(/^The GPU "Tesla M60" has compute capability 5\.2: TensorFlow/),
  );
});

Deno.test("complaint() finds the line that says what is wrong", () => {
  const said = (err: string, out = "") => complaint({ code: 1, out, err });
  assert.equal(said("a: error: b\nnote: c."), "a: error: b");
  assert.equal(said("", "first\nlast."), "last");
  assert.equal(said(""), "it said nothing");
});
