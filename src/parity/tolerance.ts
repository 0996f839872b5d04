/** Which tolerance of a fixture holds for a result. */
import type { Fixture, Tolerance } from "./fixture.ts";

/** One rule for all gradients. */
const GRADIENTS = "grads";

/**
 * The tolerance of the first group that a result belongs to, or else the fixture's own.
 *
 * A group is a comma-separated list of names. One of them is meant if it is the group that a checker asks for; or the key
 * itself (`expected.rel_pos_buckets`); or a pattern that the key fits (`expected.adam_m.*`); or a word of the path, the
 * words being parted by dots and brackets (`loss` in `scalars.expected.loss` and in `scalars.steps[3].loss`); or `grads`
 * and the key starts with `grad.`.
 *
 * @param path the key, and where in its value the result lies
 * @param group the name under which the fixture's author put results that no key shows, e.g. `masks`
 * @throws RangeError if the fixture has no such group
 */
export function toleranceFor(fixture: Fixture, key: string, path = key, group?: string): Tolerance {
  const groups = Object.entries(fixture.toleranceByGroup)
    .map(([names, tolerance]) => ({ names: names.split(",").map((name) => name.trim()), tolerance }));
  if (group !== undefined) {
    const asked = groups.find(({ names }) => names.includes(group));
    if (asked === undefined) throw new RangeError(`"${fixture.folder}" has no tolerance group "${group}"`);
    return asked.tolerance;
  }
  const words = new Set(path.split(/[.[\]]+/));
  const meant = (name: string) =>
    name === key || words.has(name) || (name === GRADIENTS && key.startsWith("grad.")) || fits(key, name);
  return groups.find(({ names }) => names.some(meant))?.tolerance ?? fixture.tolerance;
}

/** Whether a key fits a pattern in which `*` stands for any text. */
function fits(key: string, pattern: string): boolean {
  if (!pattern.includes("*")) return false;
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(key);
}
