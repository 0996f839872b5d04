/** What command lines share: how options are read, and how an error becomes a line and an exit code. */
import { CommanderError, InvalidArgumentError } from "commander";
import { InputError } from "../../src/errors.ts";

/** Jobs that are submitted to Slurm at once unless said otherwise. */
export const SLURM_JOBS = 100;

/** 0 done, 1 a step failed or a check did not hold, 2 usage error, 3 work is pending, 130 stopped by Ctrl-C, as shells have it. */
export type ExitCode = 0 | 1 | 2 | 3 | 130;

/** Reads a count. @throws InvalidArgumentError for anything but 1, 2, 3, ... */
export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("Expected a positive whole number");
  return value;
}

/**
 * Prints what a person can do about an error.
 * @param help what to type to see how the command is used
 */
export function explain(error: unknown, { help, verbose }: { help: string; verbose: boolean }): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0; // --help has been printed
    if (error.code !== "commander.help") console.error(`${sentence(error.message)}; type ${help}`);
    return 2;
  }
  if (!(error instanceof Error)) throw error;
  console.error(verbose ? error.stack : error.message);
  if (error instanceof InputError) return error.exitCode as ExitCode;
  if (!verbose) console.error("This is a fault of the program: the same command with --verbose shows where");
  return 1;
}

/** A message of the parser as one of ours: one line and one sentence, with values in double quotes. */
function sentence(message: string): string {
  return message.replace(/^error: /, "").replaceAll("'", '"').replaceAll("\n", " ").replace(/\.$/, "")
    .replace(/\. ([A-Z])/, (_, first: string) => `: ${first.toLowerCase()}`)
    .replace(/^./, (first) => first.toUpperCase());
}
