/** `deno task parity DIR...`. */
import { parseEngineName } from "../../src/engines/open.ts";
import type { ParityRow } from "../../src/parity/report.ts";
import { passes, runParity } from "../../src/parity/run.ts";

export interface ParityOptions {
  readonly engine: string;
  readonly spm?: string;
}

/** Prints one row per expected tensor; exits 1 if any is out of tolerance or was not checked. */
export async function parityCommand(folders: readonly string[], options: ParityOptions): Promise<0 | 1> {
  const engine = parseEngineName(options.engine);
  let good = 0, total = 0;
  for await (const row of runParity(folders, { engine, ...(options.spm && { spm: options.spm }) })) {
    total++;
    if (passes(row)) good++;
    console.log(describe(row));
  }
  console.error(`${good} of ${total} rows hold on ${engine}`);
  return good === total ? 0 : 1;
}

function describe({ fixture, key, maxAbs, maxRel, verdict, note }: ParityRow): string {
  const name = fixture.split("/").filter(Boolean).at(-1) ?? fixture;
  const numbers = `abs ${maxAbs.toExponential(1)}  rel ${maxRel.toExponential(1)}`;
  return `${verdict.padEnd(16)} ${numbers}  ${name}  ${key}${note ? `  (${note})` : ""}`;
}
