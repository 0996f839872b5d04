/** Runs fixture folders of independent libraries through our code. */
import type { ParityContext } from "./checker.ts";
import { loadFixture } from "./fixture.ts";
import { CHECKERS } from "./registry.ts";
import { type ParityRow, Report, wholeFixture } from "./report.ts";

/**
 * Checks the folders one after the other and gives one row per expected key, as soon as a folder is done.
 *
 * @throws InputError if a folder is no fixture, or a checker cannot use what it says
 */
export async function* runParity(
  folders: Iterable<string>,
  context: ParityContext,
  checkers: typeof CHECKERS = CHECKERS,
): AsyncGenerator<ParityRow> {
  for (const folder of folders) {
    const fixture = await loadFixture(folder), { kind } = fixture;
    const load = Object.hasOwn(checkers, kind) ? checkers[kind] : undefined;
    if (load !== undefined) {
      const report = new Report(fixture), { check } = await load();
      await check(fixture, report, context);
      yield* report.rows();
    } else {
      yield wholeFixture(fixture, "unsupported", `expected one of ${Object.keys(checkers).join(", ")}`);
    }
  }
}

/** Whether a row lets the run pass. */
export function passes({ verdict }: ParityRow): boolean {
  return verdict === "ok";
}
