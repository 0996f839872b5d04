/** Opens a source for reading: at its own address, or under a mirror. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "../errors.ts";
import { mendable } from "../io_errors.ts";
import { pathOf, type Source } from "./sources.ts";

/** A failure of the network, worth another attempt. */
export class NetworkFailure extends Error {
  override readonly name = "NetworkFailure";
}

/** The bytes of a source, and its sha256 where the server states one. */
export interface Opened {
  readonly body: ReadableStream<Uint8Array>;
  readonly from: string;
  readonly stated: string | null;
}

/** Only what is used of the platform's `fetch`, so that tests can stand in for it. */
export type Fetch = (address: string, init?: RequestInit) => Promise<Response>;

/**
 * Opens a source.
 * @param mirror an http(s) address, or a folder, under which sources lie by the paths of their addresses
 * @throws InputError if the source is not there
 * @throws NetworkFailure if no answer came, or one that says to try again
 */
export async function open(source: Source, mirror: string | undefined, fetch: Fetch): Promise<Opened> {
  if (mirror !== undefined && !/^https?:/.test(mirror)) return await openFile(source, mirror);
  const address = mirror === undefined ? source.url : `${mirror.replace(/\/+$/, "")}/${encodeURI(pathOf(source))}`;
  const stated = source.sha256 === null ? await statedDigest(address, fetch) : null;
  const response = await fetch(address).catch((cause) => fail(cause));
  if (response.ok && response.body !== null) return { body: response.body, from: address, stated };
  await response.body?.cancel();
  const status = `the server answered ${response.status}`;
  if (response.status === 429 || response.status >= 500) throw new NetworkFailure(status);
  throw new InputError(`Cannot download "${source.name}" from "${address}": ${status}; pass --mirror to use another`);
}

async function openFile(source: Source, mirror: string): Promise<Opened> {
  const path = join(mirror.startsWith("file:") ? fileURLToPath(mirror) : mirror, pathOf(source));
  try {
    const file = await Deno.open(path);
    return { body: file.readable, from: path, stated: null };
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory)) {
      throw mendable(
        cause,
        `Cannot read "${path}" in the mirror`,
        "make it readable, or leave out --mirror to download it",
      );
    }
    throw new InputError(
      `Cannot find "${source.name}" in the mirror: there is no file "${path}"; ` +
        "put it there, or leave out --mirror to download it",
      { cause },
    );
  }
}

/**
 * The Hugging Face Hub answers for large files with a redirect that states their sha256 in `x-linked-etag`.
 * Reference: huggingface_hub, constants HUGGINGFACE_HEADER_X_LINKED_ETAG.
 */
async function statedDigest(address: string, fetch: Fetch): Promise<string | null> {
  const response = await fetch(address, { method: "HEAD", redirect: "manual" }).catch((cause) => fail(cause));
  await response.body?.cancel();
  return /^"?([0-9a-f]{64})"?$/.exec(response.headers.get("x-linked-etag") ?? "")?.[1] ?? null;
}

/** Passes a failure of the connection on as one that is worth another attempt. */
export function fail(cause: unknown): never {
  throw new NetworkFailure(cause instanceof Error ? cause.message : String(cause), { cause });
}
