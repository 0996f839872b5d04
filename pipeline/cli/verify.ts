/** `deno task verify`. */
import { checkFolder } from "../../src/graph/lock_file.ts";
import { Store } from "../../src/graph/store.ts";
import { committedLock, openContext, type PlanningOptions } from "./context.ts";

export async function verifyCommand(options: PlanningOptions): Promise<0 | 1> {
  const context = await openContext(options), lock = await committedLock(context);
  const damage = options.cache ? await new Store(options.cache).verify() : [];
  for (const item of damage) console.log(`damaged  ${JSON.stringify(item)}`);
  const differences = await checkFolder(context.results, lock);
  for (const { file, kind } of differences) console.log(`${kind.padEnd(8)} ${context.results}/${file}`);
  const files = Object.keys(lock.files).length, wrong = damage.length + differences.length;
  console.error(
    wrong === 0
      ? `The store and ${files} results are as written`
      : `${wrong} are not as written: type deno task reproduce`,
  );
  return wrong === 0 ? 0 : 1;
}
