/** `deno task verify`. */
import { InputError } from "../../src/errors.ts";
import { checkFolder, readLock } from "../../src/graph/lock_file.ts";
import { Store } from "../../src/graph/store.ts";
import { openContext, type ResultsOptions } from "./context.ts";
import { countSteps } from "./stored.ts";

type VerifyOptions = Pick<ResultsOptions, "profile" | "results"> & { readonly cache: string };

/** The options that name the same profile and folders, as a person would type them. */
function flagsOf({ profile, results, cache }: VerifyOptions): string {
  const given = [["profile", profile, "mini"], ["results", results, "results"], ["cache", cache, ".cache"]];
  return given.flatMap(([name, value, usual]) => value === usual ? [] : [` --${name} ${value}`]).join("");
}

/**
 * Hashes the store, and the results where a lock says what they should be. What is damaged in the store is dropped from it.
 * @throws InputError if there is neither
 */
export async function verifyCommand(options: VerifyOptions): Promise<0 | 1> {
  const { cache } = options, { results } = await openContext(options);
  const steps = await countSteps(cache), lock = await readLock(results);
  const again = `deno task reproduce${flagsOf(options)}`;
  if (steps === 0 && !lock) {
    throw new InputError(
      `There is nothing to verify: no outputs of steps in "${cache}" and no lock in "${results}"; type ${again} first`,
    );
  }
  const damage = await new Store(cache).verify();
  for (const { key, output } of damage) console.log(`damaged  ${output} of the step with key ${key}`);
  const differences = lock ? await checkFolder(results, lock) : [];
  for (const { file, kind } of differences) console.log(`${kind.padEnd(8)} ${results}/${file}`);
  const files = lock ? `${Object.keys(lock.files).length} results in ${results}` : `no results: ${results} has no lock`;
  console.error(`Checked the outputs of ${steps} ${steps === 1 ? "step" : "steps"} in ${cache}, and ${files}`);
  const wrong = damage.length + differences.length;
  console.error(wrong === 0 ? "All are as written" : `${wrong} are not as written: type ${again}`);
  return wrong === 0 ? 0 : 1;
}
