/** What lies in the folder of a store, for commands that count it or clear it up. */
// @ts-types="@types/cacache"
import cacache from "cacache";
import { Buffer } from "node:buffer";
import { readdir } from "node:fs/promises";
import { asFileDigest, type FileDigest } from "../../src/graph/fingerprint.ts";
import { codeOf, mendable } from "../../src/io_errors.ts";
import type { Manifest } from "../../src/graph/store.ts";

/** What the store's index says of one thing it keeps: the outputs of a step, or the bytes of one output. */
export interface Entry {
  /** As the index has it: the name of a format, a colon, and the step's key or the bytes' digest. */
  readonly name: string;
  /** The key or the digest. */
  readonly hash: string;
  /** Of the bytes that the entry itself keeps. */
  readonly digest: FileDigest;
  /** What the step left; null if the entry is no step. */
  readonly outputs: Manifest | null;
}

/** Every entry of a store, sorted by name; none if there is no such folder. */
export async function entriesOf(cache: string): Promise<Entry[]> {
  const listed = Object.values(await cacache.ls(cache));
  return listed.sort((a, b) => a.key < b.key ? -1 : 1).map(({ key, integrity, metadata }) => ({
    name: key,
    hash: key.slice(key.indexOf(":") + 1),
    digest: asFileDigest(Buffer.from(integrity.replace(/^sha256-/, ""), "base64").toString("hex")),
    outputs: (metadata as Manifest | undefined) ?? null,
  }));
}

/** How many steps a store keeps the outputs of. */
export async function countSteps(cache: string): Promise<number> {
  return (await entriesOf(cache)).filter(({ outputs }) => outputs).length;
}

/** Whether a folder is a store: cacache's index is what every store begins with. */
export async function isCache(folder: string): Promise<boolean> {
  return (await namesIn(folder)).includes("index-v5");
}

/** The names in a folder, sorted; none if there is no such folder. @throws InputError if it cannot be read */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw mendable(error, `Could not read "${folder}"`, "mend that, or choose another folder with --cache DIR");
  }
}
