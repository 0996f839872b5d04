/** What lies in a cache and nothing refers to, and how it goes. */
// @ts-types="@types/cacache"
import cacache from "cacache";
import { rm, stat } from "node:fs/promises";
import { basename, join, relative, sep } from "node:path";
import type { Manifest } from "../../src/graph/store.ts";
import { entriesOf, type Entry, namesIn } from "./stored.ts";

/** Fingerprints of what is to be kept. */
export interface Kept {
  /** Of steps whose outputs stay. */
  readonly steps: ReadonlySet<string>;
  /** Of steps whose scratch folders stay, and those of their jobs. */
  readonly begun: ReadonlySet<string>;
}

export interface Garbage {
  /** Steps whose outputs are no longer kept. */
  readonly steps: readonly (Entry & { readonly outputs: Manifest })[];
  /** Names of entries of the index, those of the steps included. */
  readonly entries: readonly string[];
  /** Stored bytes, folders of steps and jobs, and unfinished files, by path, with their sizes in bytes. */
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** How many steps stay. */
  readonly kept: number;
}

/** With the option that its types leave out: without it the index would only grow. */
const removeEntry = cacache.rm.entry as (
  cache: string,
  name: string,
  options: { removeFully: true },
) => Promise<unknown>;

/** Where cacache keeps bytes, by their digest in pieces. */
const CONTENT = join("content-v2", "sha256");

/** Whether a path is one of stored bytes. */
export const isContent = (path: string): boolean => path.includes(`${sep}${CONTENT}${sep}`);

/** Looks for garbage and changes nothing. Nobody may be running steps in the cache. */
export async function findGarbage(cache: string, { steps, begun }: Kept): Promise<Garbage> {
  const entries = await entriesOf(cache), isStep = (entry: Entry): entry is Garbage["steps"][number] => !!entry.outputs;
  const [stay, go] = [true, false].map((kept) => entries.filter(isStep).filter(({ hash }) => steps.has(hash) === kept));
  const digests = new Set(
    stay!.flatMap(({ digest, outputs }) => [digest, ...Object.values(outputs).map((o) => o.digest)]),
  );
  const unused = entries.filter((entry) => !isStep(entry) && !digests.has(entry.digest));
  const bytes = await filesBelow(join(cache, CONTENT));
  const paths = [
    ...bytes.filter((path) =>
      !digests.has(relative(join(cache, CONTENT), path).replaceAll(sep, "") as Entry["digest"])
    ),
    // Folders of steps' own, and those of jobs on a cluster.
    ...[...await listed(join(cache, "scratch")), ...await listed(join(cache, "slurm"))]
      .filter((path) => !begun.has(basename(path))),
    // Of processes that were killed while they wrote.
    ...await listed(join(cache, "tmp")),
    ...[...await listed(cache), ...await listed(join(cache, "records"))].filter((path) => path.endsWith(".tmp")),
  ];
  return {
    steps: go!,
    entries: [...go!, ...unused].map(({ name }) => name),
    files: await Promise.all(paths.map(async (path) => ({ path, size: await sizeOf(path) }))),
    kept: stay!.length,
  };
}

/** Drops it: first from the index, so that a step is there whole or not at all if this is cut short. */
export async function drop(cache: string, { entries, files }: Garbage): Promise<void> {
  for (const name of entries) await removeEntry(cache, name, { removeFully: true });
  for (const { path } of files) await rm(path, { recursive: true, force: true });
}

/** The paths of what is in a folder. */
async function listed(folder: string): Promise<string[]> {
  return (await namesIn(folder)).map((name) => join(folder, name));
}

async function filesBelow(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => null);
  if (!found?.isDirectory()) return found ? [path] : [];
  return (await Promise.all((await listed(path)).map(filesBelow))).flat();
}

async function sizeOf(path: string): Promise<number> {
  const sizes = await Promise.all((await filesBelow(path)).map((file) => stat(file).catch(() => ({ size: 0 }))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}
