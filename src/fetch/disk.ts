/** Failures of the disk in words. */
import { InputError } from "../errors.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the disk; free some",
  EDQUOT: "the disk quota is used up; free some space",
  EROFS: "the file system is read-only; make it writable",
  EACCES: "permission is denied; make the folder writable",
  EPERM: "permission is denied; make the folder writable",
  ENOTDIR: "a file stands where a folder is needed; move it away",
  EEXIST: "a file stands where a folder is needed; move it away",
};

/**
 * What a person can do about a failed write; any other error is given back as it is.
 * @param path what was being written
 */
export function explainDisk(path: string, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reason = REASONS[code];
  return reason === undefined ? error : new InputError(`Cannot write "${path}": ${reason}`, { cause: error });
}
