/** `deno task table NAME` and `deno task figure NAME`. */
import { join } from "node:path";
import { InputError } from "../../src/errors.ts";
import { figureNamed } from "../figures/registry.ts";
import { resultFiles } from "../paper.ts";
import { tableNamed } from "../tables/registry.ts";
import { openContext } from "./context.ts";
import { EXIT_CODES, run, type RunningOptions } from "./run.ts";
import type { ExitCode } from "./usage.ts";

/** Brings one output up to date; prints the table, or the path of the figure's picture. */
export async function outputCommand(
  kind: "table" | "figure",
  name: string,
  options: RunningOptions,
): Promise<ExitCode> {
  if (kind === "table") tableNamed(name);
  else figureNamed(name);
  const context = await openContext(options), step = `${kind}/${name}`;
  if (!context.steps.some((declared) => declared.name === step)) {
    throw new InputError(
      `Profile "${context.profile.name}" has no runs for the ${kind} "${name}": choose another with --profile`,
    );
  }
  const files = Object.fromEntries(Object.entries(resultFiles(context.steps)).filter(([, made]) => made.step === step));
  const outcome = await run(context, options, { only: [step], files });
  if (outcome.status !== "ok") return EXIT_CODES[outcome.status];
  const path = join(context.results, `${kind}s`, `${name}.${kind === "table" ? "md" : "png"}`);
  if (!options.json) console.log(kind === "table" ? (await Deno.readTextFile(path)).trimEnd() : path);
  return 0;
}
