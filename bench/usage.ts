/** What can be measured, and which options each kind of measurement knows. */
import { UsageError } from "../src/errors.ts";

const KNOWN = {
  rows: ["engine", "method", "shape", "target", "gateLogit", "length", "tokensAtOnce", "threads", "steps", "json"],
  profile: ["engine", "method", "shape", "target", "gateLogit", "length", "tokensAtOnce", "threads", "steps", "json"],
  against: ["engine", "method", "shape", "target", "gateLogit", "length", "tokensAtOnce", "threads", "steps", "json"],
  peers: ["method", "shape", "length", "threads", "steps", "rounds", "json", "save"],
  epoch: ["task", "examples", "shape", "threads", "rounds", "mirror", "json", "save"],
  scaling: ["threads", "steps", "rounds", "json", "save"],
} as const;

export type Kind = keyof typeof KNOWN;

/**
 * The kind of measurement that options ask for: the one that is named, else rows.
 * @param given names of the options that were typed
 * @throws UsageError for two kinds, or an option that would do nothing
 */
export function kindOf(given: readonly string[]): Kind {
  const [kind = "rows", second] = given.filter((name) => name in KNOWN) as Kind[];
  if (second) throw new UsageError(`Cannot measure both --${kind} and --${second}: choose one`);
  const known: readonly string[] = [kind, "verbose", ...KNOWN[kind]];
  const lost = given.find((name) => !known.includes(name));
  if (lost) throw new UsageError(`--${kebab(lost)} does nothing ${whereLost(lost, kind)}: leave it out`);
  return kind;
}

/** An option as it is typed. */
const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Where an option does nothing: without the kinds that know it, or with this one where it needs none of them. */
function whereLost(option: string, kind: Kind): string {
  const knowing = Object.entries(KNOWN).filter(([, names]) => (names as readonly string[]).includes(option));
  const flags = knowing.map(([name]) => `--${name}`), last = flags.pop();
  if (last === undefined || flags.includes("--rows")) return `with --${kind}`;
  return `without ${flags.length > 0 ? `${flags.join(", ")} or ` : ""}${last}`;
}
