/** Failures of the disk in words. */
import { InputError } from "./errors.ts";

/** What a person can do something about, by the operating system's error code. */
const CAUSES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "it is on a read-only file system",
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  ENOTDIR: "a part of the path is a file, not a folder",
  EEXIST: "a file is in the place of a folder",
  EISDIR: "a folder is in the place of a file",
  EMFILE: "too many files are open",
};

/** An error of the operating system as one that a person can mend. Other errors, bugs among them, come back unchanged. */
export function mendable(error: unknown, what: string, remedy: string): unknown {
  const cause = CAUSES[codeOf(error)];
  return cause === undefined ? error : new InputError(`${what}: ${cause}; ${remedy}`);
}

/** The error's code (`ENOENT`), or "". The message goes first: cacache puts EEXIST over the code of whatever stopped a move. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return /^(E[A-Z]{3,})\b/.exec(error.message)?.[1] ?? (error as { code?: string }).code ?? "";
}
