/** Where the engine `tensorflow` keeps TensorFlow's libraries and the binding compiled against them, and what is there. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { writeAtomically } from "../../atomic.ts";

/** The folder of this machine, which is no part of the repository. */
export const INSTALLED_AT = fileURLToPath(new URL("../../../data/tensorflow", import.meta.url));

/** The compiled binding, which finds the libraries in `LIBRARIES` beside it. */
export const BINDING = "tfjs_binding.node";

/** The libraries' folder, or a link to where they lie. */
export const LIBRARIES = "lib";

/** Written last: what is not recorded here is not installed. */
const RECORD = "installed.json";

const Installation = z.strictObject({
  /** Of the binding. */
  binding: z.string(),
  /** Where the libraries lie. */
  libraries: z.string(),
  /** Bytes of the library that the binding was linked with, which differ if another was put in its place. */
  bytes: z.number(),
  /** The compiler's arguments. */
  flags: z.array(z.string()),
  /** Where the self-test computed; absent before it. */
  device: z.enum(["gpu", "cpu"]).optional(),
});
export type Installation = z.infer<typeof Installation>;

/** What is installed in a folder, or null if nothing is, or it was interrupted. */
export async function readInstallation(folder: string): Promise<Installation | null> {
  const text = await readFile(join(folder, RECORD), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    return Installation.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Records what was installed, or with null that nothing is. */
export async function writeInstallation(folder: string, installation: Installation | null): Promise<void> {
  const path = join(folder, RECORD);
  if (installation === null) await Deno.remove(path).catch(() => {});
  else await writeAtomically(path, JSON.stringify(installation, null, 1) + "\n");
}
