/** Checkpoints of a run that trains: all that the rest of it depends on, so that one that was stopped goes on to the same bits. */
import { join } from "node:path";
import { z } from "zod";
import { readSafetensors, safetensorsPieces } from "../deberta/safetensors.ts";
import { InputError } from "../errors.ts";
import { writeAtomically } from "../atomic.ts";
import type { HostTensors } from "../tensor/host_tensor.ts";

/** Where a run stands between two steps: tensors in named parts, and else what is JSON. */
export interface Checkpoint {
  readonly parts: Readonly<Record<string, HostTensors>>;
}

/** Where a run keeps its checkpoints. */
export interface Checkpoints<State extends Checkpoint> {
  /** The last one, or null. */
  load(): Promise<State | null>;
  /** Keeps one in place of the last, if it is time for that. */
  offer(make: () => State): Promise<void>;
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
export function checkpointsIn<State extends Checkpoint>(
  folder: string,
  { every, each }: Pace = PACE,
): Checkpoints<State> {
  const path = join(folder, "checkpoint.safetensors");
  let due = performance.now() + every * 1000;
  return {
    load: async () => {
      try {
        return decode<State>(await Deno.readFile(path));
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

/** Raise it when checkpoints that are kept could not be gone on from: they count as none then. */
const FORMAT = 2;

const Run = z.looseObject({ format: z.literal(FORMAT), parts: z.array(z.string()) });

function encode({ parts, ...rest }: Checkpoint): Uint8Array[] {
  const named = Object.entries(parts).flatMap(([part, tensors]) =>
    Object.entries(tensors).map(([name, tensor]) => [`${part}/${name}`, tensor])
  );
  const run: z.infer<typeof Run> = { ...rest, format: FORMAT, parts: Object.keys(parts) };
  return safetensorsPieces(Object.fromEntries(named), { [KEY]: JSON.stringify(run) });
}

/** Null for what is no checkpoint of this format. */
function decode<State extends Checkpoint>(bytes: Uint8Array): State | null {
  const { tensors, metadata } = readSafetensors(bytes, "checkpoint"), read = Run.safeParse(jsonOf(metadata[KEY]));
  if (!read.success) return null;
  const { format: _, parts, ...rest } = read.data;
  const of = (part: string): HostTensors =>
    Object.fromEntries(
      Object.entries(tensors).filter(([name]) => name.startsWith(`${part}/`))
        .map(([name, tensor]) => [name.slice(part.length + 1), tensor]),
    );
  // What else a run keeps is its own to know: it wrote it.
  return { ...rest, parts: Object.fromEntries(parts.map((part) => [part, of(part)])) } as unknown as State;
}

function jsonOf(text = ""): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
