/** One device for each engine in a worker, with the programs it has compiled: steps of one method share their graphs. */
import { type EngineName, openEngine } from "../../src/engines/open.ts";
import { ProgramCache } from "../../src/engines/program_cache.ts";

/** Graphs kept in a worker: every length and head of one method, and then some. */
const KEPT = 48;

/** Weights of an encoder from which on its graphs hold more memory than a worker should keep for another run. */
const LARGE = 10e6;

const devices = new Map<EngineName, Promise<ProgramCache>>();
let last = "";

/**
 * @param model what a run's graphs depend on, and how many weights its encoder has: those of a large one are dropped when
 *   another takes its place
 */
export async function openPrograms(
  engine: EngineName,
  model: { readonly key: string; readonly weights: number } = { key: "", weights: 0 },
): Promise<ProgramCache> {
  let opened = devices.get(engine);
  if (!opened) devices.set(engine, opened = openEngine(engine).then((device) => new ProgramCache(device, KEPT)));
  const programs = await opened;
  if (model.weights >= LARGE && model.key !== last) await programs.clear();
  last = model.key;
  return programs;
}
