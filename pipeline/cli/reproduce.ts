/** `deno task reproduce`. */
import { UsageError } from "../../src/errors.ts";
import { buildGraph, select } from "../../src/graph/graph.ts";
import { compareLocks, lockOf } from "../../src/graph/lock_file.ts";
import { inspect } from "../../src/graph/reproduce.ts";
import { resultFiles } from "../paper.ts";
import { committedLock, type Context, openContext } from "./context.ts";
import { EXIT_CODES, forced, run, type RunningOptions } from "./run.ts";
import { printStates, stepNamed, targetOf } from "./states.ts";
import type { ExitCode } from "./usage.ts";

export interface ReproduceOptions extends RunningOptions {
  readonly only?: readonly string[];
  readonly dryRun?: boolean;
  readonly check?: boolean;
}

export async function reproduceCommand(options: ReproduceOptions): Promise<ExitCode> {
  return await reproduceContext(await openContext(options), options);
}

/** The same for a profile that need not be registered. */
export async function reproduceContext(context: Context, given: ReproduceOptions): Promise<ExitCode> {
  const options = { ...given, ...(given.only && { only: given.only.map((name) => stepNamed(context, name)) }) };
  const files = resultFiles(context.steps), { only } = options;
  if (options.dryRun) {
    const target = { ...targetOf(context, options), ...(only && { only }), ...forced(context, options, only) };
    const { memoryTold } = await import("./memory.ts");
    return printStates(await inspect(target), options.json ?? false, memoryTold(context)) ? 3 : 0;
  }
  if (options.check) return await check(context, options, files);
  const outcome = await run(context, options, { files, complete: !only, ...(only && { only }) });
  if (outcome.status !== "ok") return EXIT_CODES[outcome.status];
  if (!options.json) conclude(context, outcome.results?.written.length ?? 0);
  return 0;
}

/** Computes results without writing them, and compares them with the committed lock. */
async function check(
  context: Context,
  options: ReproduceOptions,
  files: ReturnType<typeof resultFiles>,
): Promise<ExitCode> {
  const { only } = options;
  const makers = new Set(Object.values(files).map(({ step }) => step));
  const selected = only && select(buildGraph(context.steps), only);
  if (selected && ![...selected].some((step) => makers.has(step))) {
    throw new UsageError(
      `"${only!.join(" ")}" makes no results to check: expected tables or figures by name, "numbers" or "report"`,
    );
  }
  const committed = await committedLock(context);
  const outcome = await run(context, options, { ...(only && { only }) });
  if (outcome.status !== "ok") return EXIT_CODES[outcome.status];
  const compared = only
    ? {
      ...committed,
      files: Object.fromEntries(Object.entries(committed.files).filter(([, { step }]) => outcome.steps.has(step))),
    }
    : committed;
  const differences = compareLocks(compared, lockOf(files, outcome));
  for (const { file, kind } of differences) console.error(`${context.results}/${file}: ${kind}`);
  const total = Object.keys(compared.files).length;
  console.error(
    differences.length === 0
      ? `All ${total} results are as locked`
      : `${differences.length} of ${total} results are not as locked`,
  );
  return differences.length === 0 ? 0 : 1;
}

function conclude({ profile, results }: Context, written: number): void {
  console.error(`Results are in ${results}/ (${written === 0 ? "unchanged" : `${written} files written`}).`);
  console.error(`Profile ${profile.name}: ${profile.summary}.`);
  if (profile.name === "mini") {
    console.error("For real GLUE files: deno task reproduce --profile glue-mini");
  }
}
