/** JSON files whose bytes depend on the value alone. */
import canonicalize from "canonicalize";

/** Sorted keys, two spaces, one final line break. @throws Error for numbers that JSON cannot hold */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("Only a value can be written as JSON");
  return JSON.stringify(JSON.parse(text), null, 2) + "\n";
}
