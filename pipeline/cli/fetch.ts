/** `deno task fetch`. */
import { join } from "node:path";
import { digestIfThere } from "../../src/graph/lock_file.ts";
import { downloadsOf } from "../paper.ts";
import { findProfile } from "../profiles/registry.ts";
import { DOWNLOADS, fetchInputs } from "./context.ts";

export async function fetchCommand(
  options: { readonly profile: string; readonly mirror?: string; readonly check?: boolean },
): Promise<0 | 1> {
  const profile = findProfile(options.profile), names = downloadsOf(profile);
  if (names.length === 0) {
    console.log(`Profile ${profile.name} needs no downloads`);
    return 0;
  }
  if (!options.check) {
    await fetchInputs(profile, options.mirror);
    console.log(`All ${names.length} inputs of profile ${profile.name} are in ${DOWNLOADS}/ and right`);
    return 0;
  }
  const { findSource, pathOf, readSources } = await import("../../src/fetch/sources.ts"), sources = readSources();
  let wrong = 0;
  for (const source of names.map((name) => findSource(sources, name))) {
    const digest = await digestIfThere(join(DOWNLOADS, pathOf(source)));
    const verdict = digest === null ? "missing" : digest === source.sha256 ? "right" : "damaged";
    if (verdict !== "right") wrong++;
    console.log(`${verdict.padEnd(8)} ${source.name}`);
  }
  if (wrong > 0) {
    console.error(
      `${wrong} of ${names.length} inputs are not as pinned: type deno task fetch --profile ${profile.name}`,
    );
  }
  return wrong > 0 ? 1 : 0;
}
