/** Compiles the unchanged binding sources of TensorFlow's npm package against the libraries of this machine. */
import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "../../errors.ts";
import { BINDING, LIBRARIES } from "./installation.ts";
import type { Libraries } from "./libraries.ts";
import { TFJS_NODE_PACKAGE } from "./package.ts";
import { complaint, type Run } from "../../programs.ts";

/** Headers of Node's addon interface. */
const NODE_API_HEADERS = "npm:node-api-headers@1.9.0";

/** TensorFlow's headers are C++17. The package is published for addon interfaces up to version 8. */
export const FLAGS = ["-O2", "-fPIC", "-shared", "-std=c++17", "-DNAPI_VERSION=8"] as const;

/** The part of each library's file name that `-l:` takes, with the folder in which the loader looks for it. */
const RUN_PATH = `-Wl,-rpath,$ORIGIN/${LIBRARIES}`;

/** Where the sources and headers of the two packages lie; downloads them if need be. */
export async function bindingSources(): Promise<{ readonly binding: string; readonly headers: string }> {
  // Resolving a package needs one of its modules to be loaded. Named by variables to download them only here.
  const version: string = `${TFJS_NODE_PACKAGE}/dist/version.js`, headers: string = NODE_API_HEADERS;
  try {
    await import(version);
    const { include_dir } = (await import(headers)).default as { include_dir: string };
    const manifest = fileURLToPath(import.meta.resolve(`${TFJS_NODE_PACKAGE}/package.json`));
    return { binding: dirname(manifest), headers: include_dir };
  } catch (error) {
    throw new InputError(
      `The sources of ${TFJS_NODE_PACKAGE} could not be loaded (${(error as Error).message.split("\n")[0]}): ` +
        "type deno task setup:tensorflow again where the npm registry answers",
    );
  }
}

/**
 * Writes the binding to a folder in which `LIBRARIES` leads to the libraries.
 * @throws InputError if there is no compiler, or it complains
 */
export async function compileBinding(folder: string, libraries: Libraries, run: Run): Promise<void> {
  const { binding, headers } = await bindingSources();
  const made = join(folder, `${BINDING}.part`);
  const file = (path: string) => path.slice(dirname(path).length + 1);
  const outcome = await run("g++", [
    ...FLAGS,
    ...[libraries.include, headers, binding].map((path) => `-I${path}`),
    ...["tfjs_backend.cc", "tfjs_binding.cc"].map((source) => join(binding, "binding", source)),
    `-L${libraries.folder}`,
    `-l:${file(libraries.main)}`,
    "-l:libtensorflow_framework.so.2",
    RUN_PATH,
    "-o",
    made,
  ]);
  if (outcome === null) throw new InputError('The compiler "g++" is not installed: type apt-get install g++');
  if (outcome.code !== 0) {
    throw new InputError(`TensorFlow's binding does not compile against "${libraries.folder}" (${complaint(outcome)})`);
  }
  await rename(made, join(folder, BINDING));
}
