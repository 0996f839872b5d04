/** Reads the GLUE archives. */
import { Uint8ArrayReader, Uint8ArrayWriter, ZipReader } from "@zip.js/zip.js";
import { InputError } from "../errors.ts";

/**
 * The named entries of a zip archive, each checked against its CRC-32.
 * @param file the archive's name, for errors
 * @param wanted full names of the entries, e.g. `CoLA/train.tsv`
 * @throws InputError if the archive is damaged or an entry is missing
 */
export async function unzip(
  file: string,
  bytes: Uint8Array,
  wanted: readonly string[],
): Promise<Record<string, Uint8Array>> {
  const reader = new ZipReader(new Uint8ArrayReader(bytes), { useWebWorkers: false, checkSignature: true });
  try {
    const entries = await reader.getEntries().catch((cause) => refuse(file, cause));
    const out: Record<string, Uint8Array> = {};
    for (const name of wanted) {
      const entry = entries.find((entry) => entry.filename === name);
      if (entry === undefined || entry.directory) {
        throw new InputError(`Cannot read "${file}": the archive has no file "${name}"`);
      }
      out[name] = await entry.getData(new Uint8ArrayWriter()).catch((cause) => refuse(`${file}" at "${name}`, cause));
      // A wrong size in the directory can pass the reader's own checks when the compressed stream ends early.
      if (out[name].length !== entry.uncompressedSize) refuse(`${file}" at "${name}`, "wrong size");
    }
    return out;
  } finally {
    await reader.close();
  }
}

function refuse(where: string, cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new InputError(
    `Cannot unzip "${where}": the archive is damaged (${reason}); delete it and run "deno task fetch"`,
    { cause },
  );
}
