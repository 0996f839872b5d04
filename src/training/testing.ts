/** A backbone small enough for tests that train, on the engine whose bits are the same everywhere. */
import type { DebertaConfig } from "../deberta/config.ts";
import type { Device } from "../engines/engine.ts";
import { openEngine } from "../engines/open.ts";
import type { HostTensors } from "../tensor/host_tensor.ts";

export const portable: Device = await openEngine("portable");

export const TINY: DebertaConfig = {
  vocabulary: 16,
  hidden: 8,
  layers: 1,
  heads: 2,
  ffn: 16,
  maxPosition: 16,
  positionBuckets: 4,
  layerNormEps: 1e-7,
  hiddenDropout: 0,
  attentionDropout: 0,
};

/** Tokens that mark the start of a text and the ends of its sentences. */
export const CLS = 1, SEP = 2;

/** The same engine with somebody who sees what each run is fed, and may change what it returns. */
export function watched(watch: (feeds: HostTensors, run: () => Promise<HostTensors>) => Promise<HostTensors>): Device {
  return {
    load: async (program) => {
      const { run, dispose } = await portable.load(program);
      return { dispose, run: (feeds, noise) => watch(feeds, () => run(feeds, noise)) };
    },
    write: (registers) => portable.write(registers),
    read: (register) => portable.read(register),
    clear: () => portable.clear(),
  };
}
