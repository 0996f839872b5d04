/** `deno task doctor`. */
import { statfs } from "node:fs/promises";
import { ENGINE_NAMES, type EngineName, openEngine } from "../../src/engines/open.ts";
import { cudaDevices, runner } from "../../src/engines/tensorflow/programs.ts";
import { InputError } from "../../src/errors.ts";

/** One thing a run needs: how it stands, and what to type where it is not enough. */
export interface Finding {
  readonly what: string;
  readonly state: string;
  readonly remedy?: string;
}

/** Free memory and disk with which the profiles run. */
const ENOUGH = { memory: 4e9, disk: 2e9 };

/** Opens every engine, and tells memory, disk, GPU and network, with what to do about each gap. */
export async function doctorCommand(): Promise<0> {
  const disk = await statfs("."), machine = { ...Deno.systemMemoryInfo(), disk: disk.bavail * disk.bsize };
  for (const finding of [...resources(machine), await gpu(), await network()]) print(finding);
  for (const name of ENGINE_NAMES) print(await engine(name));
  return 0;
}

function print({ what, state, remedy }: Finding): void {
  console.log(`${what.padEnd(11)} ${state}${remedy ? `: ${remedy}` : ""}`);
}

/** Bytes of memory and disk. */
export interface Machine {
  readonly total: number;
  readonly available: number;
  readonly disk: number;
}

/** What to make of a machine's size. */
export function resources({ total, available, disk }: Machine): Finding[] {
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  return [
    { what: "cores", state: String(navigator.hardwareConcurrency) },
    {
      what: "memory",
      state: `${gigabytes(available)} of ${gigabytes(total)} free`,
      ...(available < ENOUGH.memory && { remedy: "end other programs, or type deno task reproduce --jobs 1" }),
    },
    {
      what: "disk",
      state: `${gigabytes(disk)} free here`,
      ...(disk < ENOUGH.disk && { remedy: "free some, or type deno task reproduce --cache DIR --results DIR" }),
    },
  ];
}

/** The CUDA devices that the driver names. */
async function gpu(): Promise<Finding> {
  const devices = await cudaDevices(runner());
  const named = devices.map(({ name, capability }) => `${name} (compute capability ${capability})`).join("; ");
  return { what: "GPU", state: named || "no CUDA device; profiles mini and glue-mini need none" };
}

/** Whether the hosts of the inputs answer. */
async function network(): Promise<Finding> {
  const { readSources } = await import("../../src/fetch/sources.ts");
  const hosts = [...new Set(readSources().map(({ url }) => new URL(url).origin))];
  const answers = await Promise.all(hosts.map((host) => {
    return fetch(host, { method: "HEAD", signal: AbortSignal.timeout(3000) }).then(() => true, () => false);
  }));
  const silent = hosts.filter((_, i) => !answers[i]);
  if (silent.length === 0) return { what: "network", state: "the inputs' hosts answer" };
  return {
    what: "network",
    state: `no answer from ${silent.join(", ")}`,
    remedy: "type deno task fetch --profile glue-mini --mirror FOLDER",
  };
}

/** Opens an engine; what it runs on, or its own words for what is missing and what to type. */
async function engine(what: EngineName): Promise<Finding> {
  try {
    await openEngine(what);
    return { what, state: await runsOn(what) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { what, state: error.message };
  }
}

async function runsOn(name: EngineName): Promise<string> {
  if (name !== "tensorflow") return "runs";
  const { describeTensorFlow } = await import("../../src/engines/tensorflow/open.ts");
  const { version, gpu } = describeTensorFlow();
  return `runs on TensorFlow ${version}, on ${gpu ? "the GPU" : "the processor"}`;
}
