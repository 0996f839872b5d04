/** Something a person can mend: the message says what was wrong, what is expected and what to type next. */
export class InputError extends Error {
  override readonly name: string = "InputError";
  /** What the command line exits with: 1, a step failed or a check did not hold. */
  readonly exitCode: number = 1;
}

/** The command was typed wrongly: an unknown name or a bad option. */
export class UsageError extends InputError {
  override readonly name: string = "UsageError";
  override readonly exitCode: number = 2;
}

/** An unknown name, with the names there are. */
export function unknownName(what: string, value: string, known: readonly string[]): UsageError {
  return new UsageError(`Unknown ${what} "${value}": expected one of ${known.join(", ")}`);
}
