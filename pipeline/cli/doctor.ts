/** `deno task doctor`. */
import { statfs } from "node:fs/promises";
import { ENGINE_NAMES, openEngine } from "../../src/engines/open.ts";

/** Opens every engine, and tells memory, disk, GPU and network, with what to do about each gap. */
export async function doctorCommand(): Promise<0> {
  const { total, available } = Deno.systemMemoryInfo(), disk = await statfs(".");
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const lines: [string, string][] = [
    ["cores", String(navigator.hardwareConcurrency)],
    ["memory", `${gigabytes(available)} of ${gigabytes(total)} free`],
    ["disk", `${gigabytes(disk.bavail * disk.bsize)} free here`],
    ["GPU", await gpu()],
    ["network", await network()],
  ];
  for (const name of ENGINE_NAMES) {
    lines.push([name, await openEngine(name).then(() => "runs", (error: Error) => error.message)]);
  }
  for (const [what, state] of lines) console.log(`${what.padEnd(11)} ${state}`);
  return 0;
}

/** The CUDA devices that the driver names. */
async function gpu(): Promise<string> {
  try {
    const { code, stdout } = await new Deno.Command("nvidia-smi", { args: ["-L"], stdout: "piped", stderr: "null" })
      .output();
    if (code === 0) return new TextDecoder().decode(stdout).trim().replaceAll("\n", "; ");
  } catch { /* no driver */ }
  return "no CUDA device: profiles mini and glue-mini need none";
}

/** Whether the hosts of the inputs answer. */
async function network(): Promise<string> {
  const { readSources } = await import("../../src/fetch/sources.ts");
  const hosts = [...new Set(readSources().map(({ url }) => new URL(url).origin))];
  const answers = await Promise.all(hosts.map((host) => {
    return fetch(host, { method: "HEAD", signal: AbortSignal.timeout(3000) }).then(() => true, () => false);
  }));
  const silent = hosts.filter((_, i) => !answers[i]);
  return silent.length === 0
    ? "the inputs' hosts answer"
    : `no answer from ${silent.join(", ")}: pass --mirror FOLDER for profile glue-mini`;
}
