/** Checkpoints of a fine-tuning run: all that the rest of it depends on, so that a run that was stopped goes on to the same bits. */
import { join } from "node:path";
import { readSafetensors, safetensorsPieces } from "../deberta/safetensors.ts";
import { InputError } from "../errors.ts";
import { writeAtomically } from "../atomic.ts";
import type { Memory } from "../peft/method.ts";
import type { HostTensor, HostTensors } from "../tensor/host_tensor.ts";
import type { EpochRecord } from "./record.ts";

/** Where a run stands between two steps. */
export interface Checkpoint {
  /** Steps done. */
  readonly steps: number;
  /** Sum over the examples of the losses of this epoch so far. */
  readonly loss: number;
  readonly epochs: readonly EpochRecord[];
  /** The best epoch, and whether it predicts one value only; its tensors are among `parts`. */
  readonly best: { readonly epoch: EpochRecord; readonly constant: boolean } | null;
  /** What the method's control remembers. */
  readonly memory: Memory;
  readonly parts: {
    /** What steps renew on the device. */
    readonly registers: HostTensors;
    /** Word embeddings that train by rows. */
    readonly table: HostTensors;
    /** What trained, as of the best epoch. */
    readonly best: HostTensors;
  };
}

/** Where a run keeps its checkpoints. */
export interface Checkpoints {
  /** The last one, or null. */
  load(): Promise<Checkpoint | null>;
  /** Keeps one in place of the last, if it is time for that. */
  offer(make: () => Checkpoint): Promise<void>;
}

export interface Pace {
  /** Seconds of training between checkpoints, at least. */
  readonly every: number;
  /** Seconds of training for each that a checkpoint takes to write, at least. */
  readonly each: number;
}

/** A step that ends sooner is begun again instead. */
const PACE: Pace = { every: 60, each: 20 };

/**
 * Checkpoints in a file of a folder. A file that cannot be read counts as none, and one that cannot be written is left: the run
 * is as good without.
 */
export function checkpointsIn(folder: string, { every, each }: Pace = PACE): Checkpoints {
  const path = join(folder, "checkpoint.safetensors");
  let due = performance.now() + every * 1000;
  return {
    load: async () => {
      try {
        return decode(await Deno.readFile(path));
      } catch (error) {
        if (error instanceof Deno.errors.NotFound || error instanceof InputError) return null;
        throw error;
      }
    },
    offer: async (make) => {
      const begun = performance.now();
      if (begun < due) return;
      await writeAtomically(path, encode(make())).catch(() => {});
      const ended = performance.now();
      due = ended + Math.max(every * 1000, each * (ended - begun));
    },
  };
}

const KEY = "run";

function encode({ parts, ...rest }: Checkpoint): Uint8Array[] {
  const named = Object.entries(parts).flatMap(([part, tensors]) =>
    Object.entries(tensors).map(([name, tensor]) => [`${part}/${name}`, tensor])
  );
  return safetensorsPieces(Object.fromEntries(named), { [KEY]: JSON.stringify(rest) });
}

function decode(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = readSafetensors(bytes, "checkpoint");
  const of = (part: string): HostTensors =>
    Object.fromEntries(
      Object.entries(tensors).filter(([name]) => name.startsWith(`${part}/`))
        .map(([name, tensor]) => [name.slice(part.length + 1), tensor]),
    );
  const run = metadata[KEY];
  if (run === undefined) throw new InputError("This is no checkpoint");
  // The best epoch outlives the file's bytes, which the others would keep from being freed.
  const best = Object.fromEntries(
    Object.entries(of("best")).map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() } as HostTensor]),
  );
  return {
    ...JSON.parse(run) as Omit<Checkpoint, "parts">,
    parts: { registers: of("registers"), table: of("table"), best },
  };
}
