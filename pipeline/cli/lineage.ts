/** `deno task lineage FILE`. */
import { relative, resolve, sep } from "node:path";
import { InputError } from "../../src/errors.ts";
import type { Json } from "../../src/graph/step.ts";
import { type Lineage, lineageOf, type StepLineage } from "../lineage.ts";
import { PROFILE_NAMES } from "../profiles/registry.ts";
import { openContext, type ResultsOptions } from "./context.ts";
import { targetOf } from "./states.ts";

export type LineageOptions = Omit<ResultsOptions, "profile"> & { readonly json?: boolean };

/** Prints where a file of results comes from. @throws InputError for a file that is no result of a profile */
export async function lineageCommand(path: string, options: LineageOptions): Promise<0> {
  const [profile = "", ...rest] = relative(resolve(options.results), resolve(path)).split(sep);
  if (!PROFILE_NAMES.includes(profile)) {
    throw new InputError(
      `Cannot tell the lineage of "${path}": expected a file of results, such as ${options.results}/mini/tables/glue.md`,
    );
  }
  const context = await openContext({ ...options, profile });
  const lineage = await lineageOf(targetOf(context, options), context.results, rest.join("/"));
  console.log(options.json ? JSON.stringify(lineage) : describeLineage(lineage));
  return 0;
}

const short = (digest: string | null): string => digest ? digest.slice(0, 12) : "unknown until it is made here";

/** The lineage in lines that a person reads. */
export function describeLineage({ file, sha256, locked, step, environment, steps }: Lineage): string {
  const maker = steps.find((s) => s.step === step)!, versions = new Map(steps.map((s) => [s.kind, s.version]));
  const engines = [...new Set(steps.flatMap(({ engine }) => engine ?? []))];
  const verdict = !locked ? "not in the lock" : locked.sha256 === sha256 ? "as locked" : "not as locked";
  const fresh = steps.filter(({ state }) => state === "fresh").length;
  const lines = [
    `${file}`,
    `  sha256       ${sha256 ? `${short(sha256)}, ${verdict}` : "the file is not there"}`,
    `  made by      ${step}, ${maker.state} in the cache, fingerprint ${short(maker.fingerprint)}`,
    ...(locked && locked.fingerprint !== maker.fingerprint
      ? [`               the lock has fingerprint ${short(locked.fingerprint)}`]
      : []),
    ...(maker.state === "fresh" ? [] : [
      "               What follows is what would make it now: type deno task reproduce to make it here",
    ]),
    `  steps        ${steps.length}, of which ${fresh} are fresh in the cache`,
    `  code         ${[...versions].map(([kind, version]) => `${kind} ${version}`).join(", ")}`,
    `  environment  ${inWords(environment.common)}`,
    ...engines.map((engine) => `  engine       ${engine}: ${inWords(environment.engines[engine] ?? {})}`),
    ...dataLines(steps),
    ...runLines(steps),
  ];
  return lines.join("\n");
}

function inWords(values: Readonly<Record<string, Json>>): string {
  return Object.entries(values).map(([name, value]) =>
    `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`
  )
    .join(", ");
}

/** The data: the files that tokenization reads. */
function dataLines(steps: readonly StepLineage[]): string[] {
  return steps.filter(({ kind }) => kind === "tokenize").flatMap(({ step, inputs }) => {
    const files = Object.entries(inputs).filter(([role]) => role.includes(":"));
    const known = files.flatMap(([role, { digest }]) => digest ? [`${role.split(":")[1]} ${short(digest)}`] : []);
    const makers = [...new Set(files.map(([, { from }]) => from))].join(", ");
    return [`  data         ${step}: ${known.join(", ") || "not made here yet"}, from ${makers}`];
  });
}

interface RunParameters {
  readonly method: string;
  readonly backbone: string;
  readonly task: string;
  readonly seed: number;
  readonly options: Readonly<Record<string, Json>>;
  readonly settings: Readonly<Record<string, Json>>;
}

/** The runs, those that differ only in task, epochs and seed in one line. */
function runLines(steps: readonly StepLineage[]): string[] {
  const groups = new Map<string, { tasks: Set<string>; seeds: Set<number>; runs: number }>();
  for (const { kind, parameters } of steps) {
    if (kind !== "finetune") continue;
    const { method, backbone, task, seed, options, settings: { epochs: _, ...settings } } =
      parameters as unknown as RunParameters;
    const start = backbone === "pretrained" ? method : `${method} on a ${backbone} backbone`;
    const key = `${start}: ${inWords({ ...settings, ...options })}`;
    const group = groups.get(key) ?? { tasks: new Set(), seeds: new Set(), runs: 0 };
    groups.set(key, { tasks: group.tasks.add(task), seeds: group.seeds.add(seed), runs: group.runs + 1 });
  }
  return [...groups].flatMap(([what, { tasks, seeds, runs }]) => [
    `  ${`${runs} ${runs === 1 ? "run" : "runs"}`.padEnd(12)} ${what}`,
    `${" ".repeat(15)}on ${[...tasks].join(", ")}; ${seeds.size === 1 ? "seed" : "seeds"} ${[...seeds].join(", ")}`,
  ]);
}
