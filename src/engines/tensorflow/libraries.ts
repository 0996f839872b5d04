/** TensorFlow's shared libraries and headers: found in a folder, or installed there with pip. */
import { stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { complaint, type Run } from "../../programs.ts";

export type Kind = "cpu" | "cuda";

interface Wheel {
  readonly requirement: string;
  readonly sha256: string;
  /** The Python for which the wheel was made; its shared libraries need none. */
  readonly python: string;
  /** Bytes that must be free: the download, and what is in it. */
  readonly room: number;
}

/**
 * The wheels for Linux on x86-64. The digest of `cpu` was compared with a downloaded wheel; that of `cuda` comes from a public
 * list of PyPI's wheels and has not met one yet, so that a refusal by pip may be the list's fault.
 */
const WHEELS: Readonly<Record<Kind, Wheel>> = {
  cpu: {
    requirement: "tensorflow-cpu==2.21.0",
    sha256: "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
    python: "3.11",
    room: 2.5e9,
  },
  cuda: {
    requirement: "tensorflow==2.21.0",
    sha256: "e9d8da8dcab9650efb45f032ba70af2f016f907e6e0c6bda29dd101bba945406",
    python: "3.13",
    room: 12e9,
  },
};

/** The newest machine tag of those wheels, and older ones for what they depend on. */
const PLATFORMS = ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"];

/** As TensorFlow's Python wheels and its C library call them. */
const NAMES = ["libtensorflow_cc.so.2", "libtensorflow.so.2"];
const FRAMEWORK = "libtensorflow_framework.so.2";

export interface Libraries {
  /** The folder with the shared libraries. */
  readonly folder: string;
  /** The library with the C interface. */
  readonly main: string;
  readonly bytes: number;
  /** The folder of headers. */
  readonly include: string;
}

/**
 * Looks for libraries and headers: in the folder itself, in its `lib` and `include`, or in its `tensorflow`.
 * @throws InputError naming what is not there, or libraries for another processor
 */
export async function findLibraries(given: string): Promise<Libraries> {
  for (const root of [given, join(given, "tensorflow")]) {
    for (const folder of [root, join(root, "lib")]) {
      for (const name of NAMES) {
        const main = join(folder, name), size = await sizeOf(main);
        if (size === null || await sizeOf(join(folder, FRAMEWORK)) === null) continue;
        const include = join(root, "include");
        if (await sizeOf(join(include, "tensorflow", "c", "c_api.h")) === null) {
          throw new InputError(
            `The libraries in "${folder}" have no headers: expected "${include}/tensorflow/c/c_api.h" beside them`,
          );
        }
        await checkProcessor(main);
        return { folder, main, bytes: size, include };
      }
    }
  }
  throw new InputError(
    `There is no TensorFlow in "${given}": expected ${NAMES.join(" or ")} with ${FRAMEWORK} and include/, as in the ` +
      "folder tensorflow of an installed Python package",
  );
}

const sizeOf = (path: string): Promise<number | null> => stat(path).then(({ size }) => size, () => null);

/** Numbers of processors in ELF headers (System V ABI, e_machine). */
const PROCESSORS: Readonly<Record<number, string>> = {
  3: "x86",
  40: "arm",
  62: "x86_64",
  183: "aarch64",
  243: "riscv64",
};

async function checkProcessor(library: string): Promise<void> {
  const header = new Uint8Array(20);
  using file = await Deno.open(library);
  const read = await file.read(header);
  const elf = read === 20 && String.fromCharCode(...header.subarray(1, 4)) === "ELF";
  const machine = header[18]! + 256 * header[19]!,
    made = elf ? PROCESSORS[machine] ?? `processor ${machine}` : "no Linux";
  if (made === Deno.build.arch) return;
  throw new InputError(`The library "${library}" is for ${made}: expected one for ${Deno.build.arch}`);
}

/**
 * Installs the pinned wheel below a folder.
 * @returns the folder of the installed package
 * @throws InputError where pip or room on the disk is missing, or the download fails or is not the pinned one
 */
export async function installWheel(kind: Kind, site: string, run: Run): Promise<string> {
  const { requirement, sha256, python, room } = WHEELS[kind];
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    throw new InputError(
      `TensorFlow cannot be downloaded for "${Deno.build.os} ${Deno.build.arch}": expected "linux x86_64"; give a ` +
        "folder with libraries for this machine with --from DIR",
    );
  }
  if ((await run("python3", ["-m", "pip", "--version"]))?.code !== 0) {
    throw new InputError(
      "pip is not installed: type apt-get install python3-pip, or deno task setup:tensorflow --from DIR",
    );
  }
  await checkRoom(site, room);
  const pinned = join(site, "requirements.txt");
  await Deno.writeTextFile(pinned, `${requirement} --hash=sha256:${sha256}\n`);
  const pip = async (args: readonly string[]) => {
    const target = [
      "--python-version",
      python,
      "--implementation",
      "cp",
      ...PLATFORMS.flatMap((p) => ["--platform", p]),
    ];
    const options = ["--target", site, "--upgrade", "--no-deps", "--only-binary=:all:", "--no-compile", ...target];
    const outcome = await run("python3", ["-m", "pip", "install", "--disable-pip-version-check", ...options, ...args]);
    if (outcome?.code === 0) return;
    const why = outcome ? complaint(outcome) : "python3 went away";
    throw new InputError(
      `pip could not install ${requirement} (${why}): mend that, or type deno task setup:tensorflow --from DIR`,
    );
  };
  await pip(["--require-hashes", "--requirement", pinned]);
  if (kind === "cuda") await pip(await cudaRequirements(site));
  return join(site, "tensorflow");
}

/** NVIDIA's libraries in the versions that TensorFlow was built with, as its own metadata lists them. */
async function cudaRequirements(site: string): Promise<string[]> {
  const metadata = await Deno.readTextFile(join(site, "tensorflow-2.21.0.dist-info", "METADATA"));
  return requirementsOf(metadata, "and-cuda");
}

/** The requirements of one extra of a Python package, without its condition. @param metadata its METADATA file */
export function requirementsOf(metadata: string, extra: string): string[] {
  const lines = metadata.matchAll(/^Requires-Dist: ([^;\n]+?)\s*;\s*extra\s*==\s*["']([^"']+)["']\s*$/gm);
  return [...lines].filter(([, , name]) => name === extra).map(([, requirement]) => requirement!.replaceAll(" ", ""));
}

/** @throws InputError if fewer bytes are free than needed */
export async function checkRoom(folder: string, needed: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder),
    free = bavail * bsize,
    gigabytes = (b: number) => (b / 1e9).toFixed(1);
  if (free >= needed) return;
  throw new InputError(
    `The disk of "${folder}" has ${gigabytes(free)} GB free and TensorFlow needs ${gigabytes(needed)}: free some, or ` +
      "type deno task setup:tensorflow --from DIR",
  );
}
