/** The profiles by name: one line each. */
import { unknownName } from "../../src/errors.ts";
import { glueMini } from "./glue_mini.ts";
import { mini } from "./mini.ts";
import { paper } from "./paper.ts";
import type { Profile } from "./profile.ts";
import { small } from "./small.ts";

const PROFILES: readonly Profile[] = [
  mini,
  glueMini,
  small,
  paper,
];

export const PROFILE_NAMES: readonly string[] = PROFILES.map(({ name }) => name);

/** @throws UsageError naming the profiles there are */
export function findProfile(name: string): Profile {
  const profile = PROFILES.find((p) => p.name === name);
  if (!profile) throw unknownName("profile", name, PROFILE_NAMES);
  return profile;
}
