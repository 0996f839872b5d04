import process from "node:process";
import { JsonLines } from "./json_lines.ts";
import { PlainLines } from "./plain_lines.ts";
import type { Reporter } from "./reporter.ts";

/**
 * The display that suits where a run's messages go: bars on a terminal, plain lines elsewhere, both on standard error, which
 * leaves standard output to what was asked for; JSON lines go to standard output.
 */
export async function chooseReporter(options: { json?: boolean; verbose?: boolean }): Promise<Reporter> {
  const { json = false, verbose = false } = options;
  if (json) return new JsonLines((text) => writeWhole(Deno.stdout, text));
  if (!Deno.stderr.isTerminal()) return new PlainLines({ write: (text) => writeWhole(Deno.stderr, text), verbose });
  const { ProgressBars } = await import("./progress_bars.ts");
  return new ProgressBars({ stream: process.stderr, verbose });
}

/** At once, so that nothing is lost when the process is made to exit. */
function writeWhole(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  for (let rest = new TextEncoder().encode(text); rest.length > 0;) rest = rest.subarray(stream.writeSync(rest));
}
