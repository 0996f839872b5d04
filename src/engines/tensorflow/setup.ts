/** Makes the engine `tensorflow` ready: libraries, binding, self-test. Done again it does only what is missing. */
import { realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "../../errors.ts";
import { compileBinding, FLAGS } from "./binding.ts";
import { BINDING, type Installation, LIBRARIES, readInstallation, writeInstallation } from "./installation.ts";
import { findLibraries, installWheel, type Kind } from "./libraries.ts";
import { TFJS_NODE } from "./package.ts";
import { complaint, type Run } from "../../programs.ts";
import { cudaDevices, type Gpu } from "../cuda_devices.ts";

export interface SetupOptions {
  /** The build to download; by default `cuda` where there is a CUDA device. */
  readonly kind?: Kind;
  /** Take libraries that are already there. */
  readonly from?: string;
  /** Where to put everything. */
  readonly folder: string;
  readonly run: Run;
  /** Hears what is being done. */
  readonly tell: (line: string) => void;
}

/** Least compute capability for which TensorFlow's wheels have kernels (release notes of TensorFlow 2.18: Pascal). */
const LEAST_CAPABILITY = 6;

/**
 * @returns what the self-test found, for a person
 * @throws InputError if something is missing, with the command that mends it
 */
export async function setUpTensorFlow(options: SetupOptions): Promise<string> {
  const { folder, run, tell } = options, kind = options.kind ?? await suggestedKind(options);
  await Deno.mkdir(folder, { recursive: true });
  const source = options.from ? resolve(options.from) : await downloaded(kind, options);
  const libraries = await findLibraries(source),
    wanted: Installation = {
      binding: TFJS_NODE,
      libraries: await realpath(libraries.folder),
      bytes: libraries.bytes,
      flags: [...FLAGS],
    };
  const { device: _, ...there } = await readInstallation(folder) ?? {};
  if (JSON.stringify(there) === JSON.stringify(wanted)) {
    tell(`The binding for ${wanted.libraries} is there`);
  } else {
    tell(`Compiling the binding for ${wanted.libraries}`);
    await writeInstallation(folder, null);
    await link(wanted.libraries, join(folder, LIBRARIES));
    await compileBinding(folder, libraries, run);
  }
  // Without a device: which one it is the test finds out, on this machine as it is today.
  await writeInstallation(folder, wanted);
  tell("Testing it");
  const { version, gpu } = await selfTest(folder, run);
  await writeInstallation(folder, { ...wanted, device: gpu ? "gpu" : "cpu" });
  return `TensorFlow ${version} runs on ${gpu ? "the GPU" : "the processor"}`;
}

/** `cuda` where TensorFlow has kernels for a device. */
async function suggestedKind({ run, from }: SetupOptions): Promise<Kind> {
  if (from) return "cpu"; // What the libraries can do is theirs to say.
  return (await cudaDevices(run)).some(isSupported) ? "cuda" : "cpu";
}

const isSupported = ({ capability }: Gpu): boolean => capability >= LEAST_CAPABILITY;

/** The libraries of this kind, downloaded if they are not there yet. */
async function downloaded(kind: Kind, { folder, run, tell }: SetupOptions): Promise<string> {
  if (kind === "cuda") refuseOld(await cudaDevices(run));
  const site = join(folder, kind), done = join(site, "complete");
  if (await Deno.stat(done).then(() => true, () => false)) return join(site, "tensorflow");
  tell(`Installing TensorFlow's libraries (${kind}) with pip`);
  await Deno.mkdir(site, { recursive: true });
  const package_ = await installWheel(kind, site, run);
  await Deno.writeTextFile(done, "");
  return package_;
}

/** @throws InputError if there are devices and none that TensorFlow has kernels for */
export function refuseOld(devices: readonly Gpu[]): void {
  const [first] = devices;
  if (!first || devices.some(isSupported)) return;
  throw new InputError(
    `The GPU "${first.name}" has compute capability ${first.capability}: TensorFlow 2.21 has kernels from ` +
      `${LEAST_CAPABILITY}.0 on; type deno task setup:tensorflow --cpu`,
  );
}

async function link(target: string, path: string): Promise<void> {
  await Deno.remove(path).catch(() => {});
  await Deno.symlink(target, path);
}

/** What the self-test found. */
export interface Found {
  /** Of TensorFlow. */
  readonly version: string;
  readonly gpu: boolean;
}

/** Loads the binding in a process of its own, which a library that does not fit may end. */
async function selfTest(folder: string, run: Run): Promise<Found> {
  const script = fileURLToPath(new URL("./trial.ts", import.meta.url));
  const config = fileURLToPath(new URL("../../../deno.json", import.meta.url));
  const tested = await run(Deno.execPath(), ["run", "-A", "--no-lock", "--config", config, script, folder]);
  if (tested?.code === 0) return JSON.parse(tested.out.split("\n").at(-1)!);
  await writeInstallation(folder, null);
  throw new InputError(
    `The binding "${join(folder, BINDING)}" was compiled and does not work (${
      tested ? complaint(tested) : "no answer"
    }): ` +
      "give other libraries with --from DIR",
  );
}
