/** One device for each engine in a worker, with the programs it has compiled: steps of one method share their graphs. */
import { type EngineName, openEngine } from "../../src/engines/open.ts";
import { ProgramCache } from "../../src/engines/program_cache.ts";

/** Graphs kept in a worker: every length and head of one method, and then some. */
const KEPT = 48;

const devices = new Map<EngineName, Promise<ProgramCache>>();

export function openPrograms(engine: EngineName): Promise<ProgramCache> {
  let opened = devices.get(engine);
  if (!opened) devices.set(engine, opened = openEngine(engine).then((device) => new ProgramCache(device, KEPT)));
  return opened;
}
