/** `deno task gc`. */
import { join } from "node:path";
import { ENGINE_NAMES } from "../../src/engines/open.ts";
import { InputError } from "../../src/errors.ts";
import { readLock } from "../../src/graph/lock_file.ts";
import { Records } from "../../src/graph/records.ts";
import { inspect } from "../../src/graph/reproduce.ts";
import { RunLock, whoRuns } from "../../src/graph/run_lock.ts";
import { findProfile, PROFILE_NAMES } from "../profiles/registry.ts";
import { type Context, contextOf } from "./context.ts";
import { drop, findGarbage, type Garbage, isContent, type Kept } from "./garbage.ts";
import { targetOf } from "./states.ts";
import { isCache, namesIn } from "./stored.ts";

export interface GcOptions {
  readonly cache: string;
  readonly results: string;
  readonly dryRun?: boolean;
}

/** Drops what nothing refers to, for every profile and engine. */
export async function gcCommand(options: GcOptions): Promise<0 | 3> {
  const contexts = PROFILE_NAMES.flatMap((name) =>
    ENGINE_NAMES.map((engine) => contextOf(findProfile(name), { engine, results: options.results }))
  );
  return await collectGarbage(await Promise.all(contexts), options);
}

/**
 * The same for profiles that need not be registered.
 * @throws InputError if a run is going on, which may need what nothing refers to yet
 */
export async function collectGarbage(
  contexts: readonly Context[],
  { cache, dryRun = false }: GcOptions,
): Promise<0 | 3> {
  if (!await Deno.stat(cache).then(({ isDirectory }) => isDirectory, () => false)) {
    console.error(`There is no cache "${cache}" to clear up`);
    return 0;
  }
  // Whatever lies in it would count as unfinished files of ours.
  if (!await isCache(cache)) {
    throw new InputError(`"${cache}" is no cache: it has no index of steps; choose its folder with --cache`);
  }
  const runner = await whoRuns(cache);
  if (runner) {
    throw new InputError(
      `Could not clear up the cache "${cache}": process ${
        runner.pid ?? "unknown"
      } is running steps in it; wait for it to end`,
    );
  }
  if (dryRun) {
    const garbage = await findGarbage(cache, await referredTo(contexts, cache));
    tell(garbage, "to drop");
    return garbage.steps.length + garbage.files.length > 0 ? 3 : 0;
  }
  await using _lock = await RunLock.acquire(cache);
  const garbage = await findGarbage(cache, await referredTo(contexts, cache));
  await drop(cache, garbage);
  tell(garbage, "dropped");
  return 0;
}

/**
 * What is to be kept: what each step was last brought up to date with, what a plan finds for it now, what the locks of results
 * name, and what stopped steps have begun and would go on with. Records of profiles that this code does not have count whole:
 * another version of it may.
 */
async function referredTo(contexts: readonly Context[], cache: string): Promise<Kept> {
  const steps = new Set<string>(), begun = new Set<string>(), scopes = new Map<string, Context>();
  for (const context of contexts) {
    const target = targetOf(context, { cache }), lock = await readLock(context.results);
    scopes.set(target.scope, context);
    for (const { fingerprint } of Object.values(lock?.files ?? {})) steps.add(fingerprint);
    for (const state of (await inspect(target)).states.values()) {
      if (state.key !== null) (state.kind === "fresh" ? steps : begun).add(state.key);
    }
  }
  for (const scope of await scopesOf(cache)) {
    const declared = scopes.get(scope)?.steps.map(({ name }) => name);
    for (const [name, { key }] of (await Records.open(cache, scope)).steps) {
      if (declared?.includes(name) ?? true) steps.add(key);
    }
  }
  return { steps, begun };
}

/** The scopes that a cache has records of. */
async function scopesOf(cache: string): Promise<string[]> {
  const files = await namesIn(join(cache, "records"));
  return files.filter((file) => file.endsWith(".json")).map((file) => file.slice(0, -".json".length));
}

/** A line for each step that goes and for each file or folder besides stored bytes, which steps own, and the sum. */
function tell({ steps, files, kept }: Garbage, verb: "dropped" | "to drop"): void {
  for (const { hash, outputs } of steps) console.log(`${hash.slice(0, 12)}  ${Object.keys(outputs).join(", ")}`);
  for (const { path } of files.filter(({ path }) => !isContent(path))) console.log(path);
  const bytes = files.reduce((sum, { size }) => sum + size, 0), many = (n: number) => n === 1 ? "step" : "steps";
  const rest = files.length > 0
    ? `, ${(bytes / 1e6).toFixed(1)} MB in ${files.length} ${
      files.length === 1 ? "file or folder" : "files and folders"
    }`
    : "";
  console.error(`${steps.length} ${many(steps.length)} ${verb}${rest}; ${kept} ${many(kept)} kept`);
}
