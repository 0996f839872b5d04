/** Downloads pinned inputs: what is kept is complete and has the digest that was expected, or is not there at all. */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { writeAtomically } from "../atomic.ts";
import { InputError } from "../errors.ts";
import { mendable } from "../io_errors.ts";
import { fail, type Fetch, NetworkFailure, open, type Opened } from "./open.ts";
import { pathOf, type Source } from "./sources.ts";

export interface FetchOptions {
  /** The folder that downloads are kept in, by the paths of their addresses: it can serve as a mirror itself. */
  readonly downloads: string;
  /** An http(s) address, or a folder, to take everything from instead. */
  readonly mirror?: string | undefined;
  /** Called as bytes come in; `total` is null where it is not known. */
  readonly onProgress?: ((received: number, total: number | null) => void) | undefined;
  readonly fetch?: Fetch | undefined;
  /** How often a download is begun before the network is given up on [3]. */
  readonly attempts?: number | undefined;
  /** Milliseconds before the second attempt; each later one waits twice as long [500]. */
  readonly patience?: number | undefined;
}

/** A file's size and digest. */
interface Identity {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Makes sure that a source is there, and right.
 *
 * Where its sha256 is not known, the digest that the server states is expected, and the one of the first download is
 * kept beside it, in `<file>.sha256`, and expected ever after.
 * @returns the path of the file
 * @throws InputError if it cannot be had, is not what was expected, or cannot be written; nothing is left behind then
 */
export async function fetchSource(source: Source, options: FetchOptions): Promise<string> {
  const path = join(options.downloads, pathOf(source)), note = `${path}.sha256`;
  const pinned = source.sha256 ?? await Deno.readTextFile(note).then(digestIn, () => null);
  const expected = { ...source, sha256: pinned };
  const present = await identify(path).catch((error) => {
    throw mendable(error, `Cannot read "${path}"`, "remove it, or make it readable");
  });
  if (present !== null && pinned !== null && mismatch(expected, present) === null) return path;
  let temporary: string | undefined;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    temporary = await Deno.makeTempFile({ dir: dirname(path), suffix: ".part" });
    const got = await download(expected, temporary, options);
    if (source.sha256 === null) await writeAtomically(note, `${got.sha256}\n`);
    await Deno.rename(temporary, path);
    return path;
  } catch (error) {
    if (temporary !== undefined) await Deno.remove(temporary).catch(() => {});
    throw mendable(error, `Cannot write "${path}"`, "free some space, or make the folder writable");
  }
}

/** The digest in a note; null where it has none. */
function digestIn(note: string): string | null {
  return /^[0-9a-f]{64}$/.exec(note.trim())?.[0] ?? null;
}

/** Downloads into a file, from the start at every attempt. */
async function download(source: Source, to: string, options: FetchOptions): Promise<Identity> {
  const { mirror, attempts = 3, patience = 500, fetch = globalThis.fetch } = options;
  for (let attempt = 1;; attempt++) {
    try {
      const opened = await open(source, mirror, fetch);
      const got = await save(opened, to, source.bytes, options.onProgress);
      const wrong = mismatch({ ...source, sha256: source.sha256 ?? opened.stated }, got);
      if (wrong === null) return got;
      throw new InputError(`Cannot use "${source.name}" from "${opened.from}": ${wrong}`);
    } catch (error) {
      if (!(error instanceof NetworkFailure)) throw error;
      if (attempt >= attempts) throw giveUp(source, attempt, error);
      await new Promise((resolve) => setTimeout(resolve, patience * 2 ** (attempt - 1)));
    }
  }
}

function giveUp(source: Source, attempts: number, cause: NetworkFailure): InputError {
  return new InputError(
    `Cannot download "${source.name}" in ${attempts} attempts: ${cause.message}; check the network, ` +
      `or pass --mirror with a folder or address that has "${pathOf(source)}"`,
    { cause },
  );
}

/** Writes a body to a file; a body longer than expected is cut off, as it can only be wrong. */
async function save(
  { body }: Opened,
  to: string,
  expected: number | null,
  onProgress: FetchOptions["onProgress"],
): Promise<Identity> {
  const file = await Deno.open(to, { write: true, truncate: true });
  const writer = file.writable.getWriter(), reader = body.getReader(), hash = createHash("sha256");
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(fail);
      if (done) break;
      bytes += value.length;
      hash.update(value);
      await writer.write(value);
      onProgress?.(bytes, expected);
      if (expected !== null && bytes > expected) break;
    }
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => {});
    throw error;
  } finally {
    await reader.cancel().catch(() => {});
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Says what is not as expected, or null. */
function mismatch(expected: Pick<Source, "bytes" | "sha256">, got: Identity): string | null {
  if (expected.bytes !== null && got.bytes > expected.bytes) {
    return `it is longer than the ${expected.bytes} bytes expected`;
  }
  if (expected.bytes !== null && got.bytes !== expected.bytes) {
    return `it has ${got.bytes} bytes, expected ${expected.bytes}`;
  }
  if (expected.sha256 === null || got.sha256 === expected.sha256) return null;
  return `its sha256 is ${got.sha256}, expected ${expected.sha256}`;
}

/** Size and digest of a file, or null if there is none. */
async function identify(path: string): Promise<Identity | null> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of file.readable) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  return { bytes, sha256: hash.digest("hex") };
}
