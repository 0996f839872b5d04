/** Archives for tests. */
import { Uint8ArrayWriter, ZipWriter } from "@zip.js/zip.js";

/** The bytes of a zip archive with these files. */
export async function zip(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const writer = new ZipWriter(new Uint8ArrayWriter(), { useWebWorkers: false });
  for (const [name, content] of Object.entries(files)) {
    await writer.add(name, new Blob([new Uint8Array(content)]).stream());
  }
  return await writer.close();
}
