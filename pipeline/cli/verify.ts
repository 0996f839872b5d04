/** `deno task verify`. */
import { checkFolder } from "../../src/graph/lock_file.ts";
import { Store } from "../../src/graph/store.ts";
import { committedLock, openContext, type ResultsOptions } from "./context.ts";

type VerifyOptions = Pick<ResultsOptions, "profile" | "results" | "cache">;

/** The options that name the same profile and folders, as a person would type them. */
function flagsOf({ profile, results, cache }: VerifyOptions): string {
  const given = [["profile", profile, "mini"], ["results", results, "results"], ["cache", cache, ".cache"]];
  return given.flatMap(([name, value, usual]) => value === usual ? [] : [` --${name} ${value}`]).join("");
}

export async function verifyCommand(options: VerifyOptions): Promise<0 | 1> {
  const context = await openContext(options), lock = await committedLock(context);
  const damage = options.cache ? await new Store(options.cache).verify() : [];
  for (const { key, output } of damage) console.log(`damaged  ${output} of the step with key ${key}`);
  const differences = await checkFolder(context.results, lock);
  for (const { file, kind } of differences) console.log(`${kind.padEnd(8)} ${context.results}/${file}`);
  const files = Object.keys(lock.files).length, wrong = damage.length + differences.length;
  console.error(
    wrong === 0
      ? `The store and ${files} results are as written`
      : `${wrong} are not as written: type deno task reproduce${flagsOf(options)}`,
  );
  return wrong === 0 ? 0 : 1;
}
