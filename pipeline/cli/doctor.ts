/** `deno task doctor`. */
import { statfs } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ENGINE_NAMES, type EngineName } from "../../src/engines/open.ts";
import { cudaDevices } from "../../src/engines/cuda_devices.ts";
import { complaint, type Run, runner } from "../../src/programs.ts";

/** One thing a run needs: how it stands, and what to type where it is not enough. */
export interface Finding {
  readonly what: string;
  readonly state: string;
  readonly remedy?: string;
}

/** Free memory and disk with which the profiles run. */
const ENOUGH = { memory: 4e9, disk: 2e9 };

/** Opens every engine, and tells memory, disk, GPU and network, with what to do about each gap. */
export async function doctorCommand({ verbose = false }: { readonly verbose?: boolean } = {}): Promise<0> {
  const disk = await statfs("."), machine = { ...Deno.systemMemoryInfo(), disk: disk.bavail * disk.bsize };
  for (const finding of [...resources(machine), await gpu(), await network()]) print(finding);
  for (const tried of ENGINE_NAMES.map((name) => tryEngine(name, runner()))) {
    const { trace, ...finding } = await tried;
    print(finding);
    if (verbose && trace) console.error(trace);
  }
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
  return { what: "GPU", state: named || "no CUDA device; only profile paper is too large for a machine without" };
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

const TRIAL = fileURLToPath(import.meta.resolve("./engine_trial.ts"));
const CONFIG = fileURLToPath(import.meta.resolve("../../deno.json"));

/**
 * Opens an engine; what it runs on, or its own words for what is missing and what to type. In a process of its own: drivers and
 * libraries write to standard error what is no fault of ours, no setting of theirs silences all of them, and some end their process.
 * @returns also all that the process wrote, if it failed
 */
export async function tryEngine(what: EngineName, run: Run): Promise<Finding & { readonly trace?: string }> {
  const tried = await run(Deno.execPath(), ["run", "-A", "--no-lock", "--config", CONFIG, TRIAL, what]);
  const last = tried?.out.split("\n").at(-1) ?? "";
  if (tried?.code === 0) return { what, state: last };
  if (tried === null) return { what, state: `was not tried, since "${Deno.execPath()}" does not start` };
  return {
    what,
    state: `ended its process with code ${tried.code} (${last || complaint(tried)})`,
    remedy: "type deno task doctor --verbose to see all it wrote",
    trace: tried.err,
  };
}
