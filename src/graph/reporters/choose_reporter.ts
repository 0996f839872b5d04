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
  if (json) return new JsonLines((text) => void process.stdout.write(text));
  if (!Deno.stderr.isTerminal()) return new PlainLines({ write: (text) => void process.stderr.write(text), verbose });
  const { ProgressBars } = await import("./progress_bars.ts");
  return new ProgressBars({ stream: process.stderr, verbose });
}
