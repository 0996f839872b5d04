/** `deno task doctor`. */
import { ENGINE_NAMES, openEngine } from "../../src/engines/open.ts";

/** Opens every engine, and tells memory and the state of the caches. */
export async function doctorCommand(): Promise<0> {
  const { total, available } = Deno.systemMemoryInfo(),
    gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GB`;
  console.log(`cores       ${navigator.hardwareConcurrency}`);
  console.log(`memory      ${gigabytes(available)} of ${gigabytes(total)} free`);
  for (const name of ENGINE_NAMES) {
    const verdict = await openEngine(name).then(() => "runs", (error: Error) => error.message);
    console.log(`${name.padEnd(11)} ${verdict}`);
  }
  return 0;
}
