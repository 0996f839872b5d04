/** Processes of the benchmarks: each measures one thing, so that its time and its peak of memory are its own. */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { InputError } from "../src/errors.ts";
import type { Request, Row } from "./request.ts";

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** How a script of this folder is started. */
export type Command = readonly [program: string, ...args: string[]];

/** One of our scripts, with its argument. */
export function ours(script: string, argument: unknown): Command {
  return [Deno.execPath(), "run", "-A", path(script), JSON.stringify(argument)];
}

/** A script of `peers/`, with its argument. @throws InputError if its libraries are not installed as required */
export async function theirs(script: string, argument: unknown): Promise<Command> {
  const read = (file: string) => Deno.readTextFile(path(`./peers/${file}`)).catch(() => null);
  if (await read("requirements.txt") !== await read(".venv/installed.txt")) {
    throw new InputError("Cannot compare with PyTorch: its libraries are not installed; run bench/peers/setup");
  }
  return [path("./peers/.venv/bin/python"), path(`./peers/${script}`), JSON.stringify(argument)];
}

/** The lines that a process prints, as they come. @throws InputError with the last line of its standard error, if it fails */
async function* linesOf(what: string, [program, ...args]: Command): AsyncGenerator<string> {
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  const complaints = new Response(child.stderr).text();
  let heard = false;
  try {
    yield* createInterface({
      input: Readable.from(child.stdout.pipeThrough(new TextDecoderStream())),
      crlfDelay: Infinity,
    });
    heard = true;
  } finally {
    // Who stops listening leaves nothing that computes on.
    if (!heard) end(child);
  }
  const { code } = await child.status;
  if (code === 0) return;
  throw new InputError(`${what} could not be timed: ${(await complaints).trim().split("\n").at(-1)}`);
}

function end(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch { /* It has ended. */ }
}

/** Everything that a process prints. */
export async function resultText(what: string, command: Command): Promise<string> {
  return (await Array.fromAsync(linesOf(what, command))).join("\n");
}

/**
 * The last line that a process prints, which is JSON.
 * @param onProgress gets every line before it, when the next one comes
 */
export async function resultOf<T>(
  what: string,
  command: Command,
  onProgress: (line: unknown) => void = () => {},
): Promise<T> {
  let last: T | undefined;
  for await (const line of linesOf(what, command)) {
    if (last !== undefined) onProgress(last);
    last = parsed(what, line);
  }
  return last!;
}

/** @throws InputError for a line that is not JSON, such as what a library prints */
function parsed<T>(what: string, line: string): T {
  try {
    return JSON.parse(line);
  } catch {
    throw new InputError(`${what} could not be timed: its process printed ${JSON.stringify(line)}, which is no result`);
  }
}

/** Times a step in a process of its own. */
export async function measure(request: Request): Promise<Row> {
  const { engine, method, shape } = request;
  const command = engine === "pytorch" ? await theirs("row.py", request) : ours("./row.ts", request);
  return await resultOf<Row>(`${engine} ${method} ${shape}`, command);
}
