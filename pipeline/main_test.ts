import assert from "node:assert/strict";
import { ENGINE_NAMES } from "../src/engines/open.ts";
import type { StepKey } from "../src/graph/fingerprint.ts";
import { writeLock } from "../src/graph/lock_file.ts";
import { Store } from "../src/graph/store.ts";
import { TemporaryFolder } from "../src/graph/toy/rig.ts";
import { FIGURE_NAMES } from "./figures/registry.ts";
import { main } from "./main.ts";
import { PROFILE_NAMES } from "./profiles/registry.ts";
import { TABLE_NAMES } from "./tables/registry.ts";

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line in this process. For commands that start no steps. */
async function type(...args: string[]): Promise<Said> {
  const { log, error } = console, out: string[] = [], err: string[] = [];
  console.log = (text) => out.push(`${text}\n`);
  console.error = (text) => err.push(`${text}\n`);
  try {
    return { code: await main(args), out: out.join(""), err: err.join("") };
  } finally {
    Object.assign(console, { log, error });
  }
}

const unknown = (what: string, names: readonly string[]) =>
  `Unknown ${what} "nope": expected one of ${names.join(", ")}`;
const STEPS =
  "generate, vocabulary, tokenize, corpus, pretrain, finetune, extended, rank-sweep, subspace, resources, table, figure, " +
  "numbers, report";
const help = (command: string) => `; type deno task ${command} --help`;
const A_FILE = "a part of the path is a file, not a folder; mend that, or choose another folder with";

/** What is typed, the line that answers it, and the exit code. `<dir>` is an empty folder, `<file>` a file. */
const BAD: readonly (readonly [typed: string, line: string, code: 1 | 2])[] = [
  ["nope", 'Unknown command "nope"; type deno task to see what there is', 2],
  ["reproduce --nope", `Unknown option "--nope"${help("reproduce")}`, 2],
  ["reproduce --job 1", `Unknown option "--job" (Did you mean --jobs?)${help("reproduce")}`, 2],
  [
    "reproduce extra",
    `Too many arguments for "reproduce": expected 0 arguments but got 1: extra${help("reproduce")}`,
    2,
  ],
  ["reproduce --jobs", `Option "--jobs <n>" argument missing${help("reproduce")}`, 2],
  ...["0", "-1", "1.5", "two", ""].map((jobs) =>
    [
      `reproduce --jobs=${jobs}`,
      `Option "--jobs <n>" argument "${jobs}" is invalid: expected a positive whole number${help("reproduce")}`,
      2,
    ] as const
  ),
  [
    "reproduce --force=upstream",
    `Option "--force [=downstream]" argument "upstream" is invalid: allowed choices are targets, downstream${
      help("reproduce")
    }`,
    2,
  ],
  [
    "reproduce --check --only generate/cola vocabulary",
    '"generate/cola vocabulary" makes no results to check: expected tables or figures by name, "numbers" or "report"',
    2,
  ],
  ["table", `Missing required argument "name"${help("table")}`, 2],
  ["parity", `Missing required argument "folders"${help("parity")}`, 2],
  ["table nope", unknown("table", TABLE_NAMES), 2],
  ["table toString", unknown("table", TABLE_NAMES).replace("nope", "toString"), 2],
  ["figure nope", unknown("figure", FIGURE_NAMES), 2],
  [
    "figure adalora-ranks --profile glue-mini",
    'Profile "glue-mini" has no runs for the figure "adalora-ranks": choose another with --profile',
    1,
  ],
  ["reproduce --profile nope", unknown("profile", PROFILE_NAMES), 2],
  ["status --profile nope", unknown("profile", PROFILE_NAMES), 2],
  ["fetch --profile nope", unknown("profile", PROFILE_NAMES), 2],
  ["verify --profile nope", unknown("profile", PROFILE_NAMES), 2],
  ["table glue --engine nope", unknown("engine", ENGINE_NAMES), 2],
  ["parity <dir> --engine nope", unknown("engine", ENGINE_NAMES), 2],
  [
    "reproduce --dry-run --only nope",
    `Unknown step "nope": expected the name of a step or the beginning of one, such as ${STEPS}`,
    2,
  ],
  ...["--check", "--jobs <n>", "--keep-going", "--mirror <address>"].map((flag) =>
    [
      `reproduce --dry-run ${flag.replace(/<.*>/, "1")}`,
      `Option "--dry-run" cannot be used with option "${flag}"${help("reproduce")}`,
      2,
    ] as const
  ),
  ...["--cache <dir>", "--force", "--force=downstream"].flatMap((flag) =>
    ["reproduce", "table glue", "figure scheme"].flatMap((command) =>
      [`--no-cache ${flag}`, `${flag} --no-cache`].map((flags) =>
        [
          `${command} ${flags}`,
          `Option "--no-cache" cannot be used with option "${
            flag.startsWith("--force") ? "--force [=downstream]" : "--cache <folder>"
          }"${help(command.split(" ")[0]!)}`,
          2,
        ] as const
      )
    )
  ),
  [
    "fetch --check --mirror <dir>",
    `Option "--check" cannot be used with option "--mirror <address>"${help("fetch")}`,
    2,
  ],
  [
    "reproduce --executor slurm --no-cache",
    "Jobs of a cluster need a cache that its machines share: leave out --no-cache",
    2,
  ],
  [
    "table glue --executor nope",
    `Option "--executor <name>" argument "nope" is invalid: allowed choices are local, slurm${help("table")}`,
    2,
  ],
  ["setup:tensorflow --cpu --cuda", `Option "--cuda" cannot be used with option "--cpu"${help("setup:tensorflow")}`, 2],
  ...["cuda", "cpu"].map((build) =>
    [
      `setup:tensorflow --from <dir> --${build}`,
      `Option "--${build}" cannot be used with option "--from <folder>"${help("setup:tensorflow")}`,
      2,
    ] as const
  ),
  ["why", `Missing required argument "name"${help("why")}`, 2],
  [
    "why nope",
    `Unknown step "nope": expected the name of a step or the beginning of one, such as ${STEPS}`,
    2,
  ],
  [
    "graph --format svg",
    `Option "--format <name>" argument "svg" is invalid: allowed choices are ascii, mermaid, dot${help("graph")}`,
    2,
  ],
  ["status --results <dir>", `Unknown option "--results"${help("status")}`, 2],
  ["reproduce --dry-run --no-cache", "Without a cache there is no state to show: leave out --no-cache", 2],
  ["status --cache <file>", `Could not read the cache "<file>": ${A_FILE} --cache DIR`, 1],
  [
    "reproduce --check --results <file>",
    `Could not read "<file>/mini/results.lock.json": ${A_FILE} --results DIR`,
    1,
  ],
  [
    "reproduce --check --results <dir>",
    'There is no lock in "<dir>/mini" to compare with: type deno task reproduce --profile mini first',
    1,
  ],
  [
    "verify --results <dir> --cache <dir>/none",
    'There is nothing to verify: no outputs of steps in "<dir>/none" and no lock in "<dir>/mini"; type deno task reproduce ' +
    "--results <dir> --cache <dir>/none first",
    1,
  ],
  ["lineage", `Missing required argument "file"${help("lineage")}`, 2],
  [
    "lineage <file>",
    'Cannot tell the lineage of "<file>": expected a file of results, such as results/mini/tables/glue.md',
    1,
  ],
  [
    "lineage results/mini/tables/nope.md",
    'Cannot tell the lineage of "results/mini/tables/nope.md": no step makes it; expected a file such as ' +
    '"results/mini/tables/glue.md"',
    1,
  ],
  [
    "parity <dir>",
    'Cannot read "<dir>/fixture.json": expected "<dir>" to be a fixture folder (deno task parity DIR...)',
    1,
  ],
];

for (const [typed, line, code] of BAD) {
  Deno.test(`main() answers "${typed}" with one line and exit code ${code}`, async () => {
    await using folder = new TemporaryFolder();
    const file = `${folder.path}/file`, dir = `${folder.path}/dir`;
    await Deno.writeTextFile(file, "");
    await Deno.mkdir(dir);
    const placed = (text: string) => text.replaceAll("<file>", file).replaceAll("<dir>", dir);
    assert.deepEqual(await type(...placed(typed).split(" ")), { code, out: "", err: `${placed(line)}\n` });
  });
}

Deno.test("main() shows the stack of a failure when it is asked to, and only then", async () => {
  await using folder = new TemporaryFolder();
  const frame = /\n {4}at /;
  assert.doesNotMatch((await type("parity", folder.path)).err, frame);
  assert.match((await type("parity", folder.path, "--verbose")).err, frame);
});

for (const typed of ["reproduce --dry-run", "status"]) {
  Deno.test(`main() exits 3 for "${typed}" when work is pending, and changes nothing`, async () => {
    await using folder = new TemporaryFolder();
    const places = ["--cache", `${folder.path}/cache`];
    const plain = await type(...typed.split(" "), ...places);
    assert.deepEqual([plain.code, plain.err], [3, ""]);
    assert.match(plain.out, /^missing {2}generate\/cola: never run here$/m);
    assert.match(plain.out, /\n0 of \d+ steps are fresh\n$/);
    const json = await type(...typed.split(" "), ...places, "--json");
    assert.equal(json.code, 3);
    const { steps } = JSON.parse(json.out) as { steps: { step: string; state: string }[] };
    assert.ok(steps.length > 20 && steps.every(({ state }) => state === "missing"));
    assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  });
}

Deno.test("main() narrows --dry-run to the steps that --only names and what they need", async () => {
  await using folder = new TemporaryFolder();
  const only = ["--only", "tokenize/cola", "generate/rte"];
  const { out } = await type("reproduce", "--dry-run", "--json", "--cache", folder.path, ...only);
  const { steps } = JSON.parse(out) as { steps: { step: string }[] };
  const names = steps.map(({ step }) => step).sort();
  assert.deepEqual(names, ["generate/cola", "generate/rte", "tokenize/cola", "vocabulary"]);
});

Deno.test("deno task why knows a table by its name alone, and changes nothing", async () => {
  await using folder = new TemporaryFolder();
  const { code, out, err } = await type("why", "glue", "--cache", `${folder.path}/cache`);
  assert.deepEqual([code, err], [0, ""]);
  assert.match(
    out,
    /^table\/glue is missing: never run here, needs vocabulary, tokenize\/cola, tokenize\/sst2 and \d+ more first\n\nWhat is behind it:\n {2}generate\/cola, /,
  );
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
});

Deno.test("deno task graph shows groups of steps, and every step when asked to", async () => {
  const { code, out, err } = await type("graph");
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /^generate \(8 steps\)$/m);
  assert.match(out, /^pretrain +<- vocabulary, corpus$/m);
  assert.match(out, /^figure \(4 steps\) +<- vocabulary, tokenize, finetune$/m);
  const { out: all } = await type("graph", "--all", "--format", "dot", "--profile", "glue-mini");
  assert.match(all, /^ {2}"tokenize\/rte" -> "finetune\/lora\/rte\/seed-0";$/m);
});

Deno.test("deno task gc drops a step that nothing refers to, and exits 3 where a dry run finds one", async () => {
  await using folder = new TemporaryFolder();
  const cache = `${folder.path}/cache`, key = "1".repeat(64) as StepKey;
  const gc = (...flags: string[]) => type("gc", "--cache", cache, "--results", folder.path, ...flags);
  await new Store(cache).put(key, new Map([["a.md", new Uint8Array(1_000_000)]]));
  const line = `${key.slice(0, 12)}  a.md\n`, files = "1.0 MB in 2 files and folders";
  assert.deepEqual(await gc("--dry-run"), { code: 3, out: line, err: `1 step to drop, ${files}; 0 steps kept\n` });
  assert.deepEqual(await gc(), { code: 0, out: line, err: `1 step dropped, ${files}; 0 steps kept\n` });
  assert.deepEqual(await gc("--dry-run"), { code: 0, out: "", err: "0 steps to drop; 0 steps kept\n" });
});

Deno.test("deno task gc keeps a step that the lock of results names", async () => {
  await using folder = new TemporaryFolder();
  const key = "1".repeat(64) as StepKey,
    lock = { "a.md": { step: "table/glue", fingerprint: key, sha256: "2".repeat(64) } };
  await writeLock(`${folder.path}/mini`, { format: 1, files: lock } as unknown as Parameters<typeof writeLock>[1]);
  await new Store(`${folder.path}/cache`).put(key, new Map([["a.md", new Uint8Array(1)]]));
  const { err } = await type("gc", "--cache", `${folder.path}/cache`, "--results", folder.path);
  assert.equal(err, "0 steps dropped; 1 step kept\n");
});

Deno.test("deno task verify names a result that is gone and one that was changed", async () => {
  await using folder = new TemporaryFolder();
  const entry = { step: "table/glue", fingerprint: "1".repeat(64), sha256: "2".repeat(64) };
  const lock = { format: 1, files: { "a.md": entry, "b.md": entry } } as unknown as Parameters<typeof writeLock>[1];
  await writeLock(`${folder.path}/mini`, lock);
  await Deno.writeTextFile(`${folder.path}/mini/b.md`, "changed");
  const { code, out, err } = await type("verify", "--results", folder.path, "--cache", `${folder.path}/cache`);
  assert.equal(out, `missing  ${folder.path}/mini/a.md\ndiffers  ${folder.path}/mini/b.md\n`);
  const mends = `deno task reproduce --results ${folder.path} --cache ${folder.path}/cache`;
  const checked = `Checked the outputs of 0 steps in ${folder.path}/cache, and 2 results in ${folder.path}/mini\n`;
  assert.deepEqual([code, err], [1, `${checked}2 are not as written: type ${mends}\n`]);
});

Deno.test("deno task verify checks a store without results, and says that it checked no results", async () => {
  await using folder = new TemporaryFolder();
  const cache = `${folder.path}/cache`, key = "1".repeat(64) as StepKey, results = `${folder.path}/results`;
  const { digest } = (await new Store(cache).put(key, new Map([["a.md", new TextEncoder().encode("a")]])))["a.md"]!;
  const verify = () => type("verify", "--results", results, "--cache", cache);
  const checked = `Checked the outputs of 1 step in ${cache}, and no results: ${results}/mini has no lock\n`;
  assert.deepEqual(await verify(), { code: 0, out: "", err: `${checked}All are as written\n` });
  await Deno.writeTextFile(
    `${cache}/content-v2/sha256/${digest.slice(0, 2)}/${digest.slice(2, 4)}/${digest.slice(4)}`,
    "b",
  );
  const { code, out, err } = await verify();
  assert.deepEqual([code, out], [1, `damaged  a.md of the step with key ${key}\n`]);
  assert.match(err, /\n1 are not as written: type deno task reproduce --results/);
});
