/** `deno task bench --epoch`: one epoch of a real task, each side with the batches that its users would make. */
import { basename } from "node:path";
import { UsageError } from "../src/errors.ts";
import { fetchSource } from "../src/fetch/fetch.ts";
import { findSource, readSources } from "../src/fetch/sources.ts";
import { readTask } from "../src/glue/read.ts";
import { officialFiles } from "../src/glue/task_files.ts";
import type { TaskName } from "../src/glue/tasks.ts";
import { sentencePieceTokenizer } from "../src/tokenizer/sentencepiece.ts";
import { encodePair } from "../src/tokenizer/tokenizer.ts";
import type { EncodedExample } from "../src/training/batches.ts";
import { ours, resultOf, theirs } from "./child.ts";
import { interleave } from "./interleave.ts";
import { type Machine, machine } from "./machine.ts";
import { mergeMeasurements } from "./merge.ts";
import { expectedSeconds, Progress } from "./progress.ts";
import { EPOCH_TASKS, SHAPES } from "./shapes.ts";
import { median, rounded } from "./statistics.ts";
import type { LoraRequest } from "./lora.ts";

/** Padded lengths of ours, and the most tokens that any side keeps of an example. */
const LENGTHS = [16, 24, 32, 48, 64, 96, 128, 192, 256], MOST = LENGTHS.at(-1)!;
const RANK = 8, BATCH = 16;

/** What a process is asked to train. */
export interface EpochRequest extends LoraRequest {
  /** File with the examples in JSON. */
  readonly examples: string;
  /** Padded lengths that ours may use, ascending. */
  readonly lengths: readonly number[];
  /** Tokens of the task's longest example. */
  readonly longest: number;
  /** Whether theirs pads everything to `longest`, or each batch to its own longest. */
  readonly padded: boolean;
}

/** What was measured of one epoch. */
export interface EpochRow {
  /** From the first batch to the last, compilation included. */
  readonly seconds: number;
  readonly compiling_seconds: number;
  /** Padded tokens of all batches. */
  readonly tokens: number;
  readonly steps: number;
  readonly peak_rss_mb: number;
}

/** Medians over the rounds of one side. */
export interface EpochSide extends Omit<EpochRow, "tokens"> {
  readonly seconds_by_round: readonly number[];
  readonly examples_per_second: number;
  /** Padded tokens that are padding: 0 to 1. */
  readonly padding_share: number;
}

export interface Epoch {
  readonly task: string;
  readonly shape: string;
  readonly batch: number;
  readonly examples: number;
  readonly longest: number;
  readonly threads: number;
  readonly sides: Readonly<Record<string, EpochSide>>;
}

export interface Epochs {
  readonly machine: Machine;
  readonly epochs: readonly Epoch[];
}

export interface EpochOptions {
  readonly task?: string;
  readonly examples?: number;
  readonly shape?: string;
  readonly threads: number;
  readonly rounds?: number;
  readonly mirror?: string;
}

/** The epochs' sides, in the order of their turns. */
const EPOCH_SIDES = ["native, length buckets", "pytorch, dynamic", "pytorch, padded"];

/** @param real tokens of all examples, without padding */
export function summarizeSide(rows: readonly EpochRow[], examples: number, real: number): EpochSide {
  const middle = (of: (row: EpochRow) => number, decimals: number) => rounded(median(rows.map(of)), decimals);
  const seconds = middle((row) => row.seconds, 2);
  return {
    seconds,
    seconds_by_round: rows.map((row) => rounded(row.seconds, 2)),
    compiling_seconds: middle((row) => row.compiling_seconds, 2),
    examples_per_second: rounded(examples / seconds, 2),
    padding_share: middle(({ tokens }) => 1 - real / tokens, 4),
    steps: middle(({ steps }) => steps, 0),
    peak_rss_mb: middle(({ peak_rss_mb }) => peak_rss_mb, 0),
  };
}

/**
 * Puts new epochs in the place of older ones of the same task and shape.
 * @returns all of them; and a line on older ones that are of another machine, other versions or another number of threads
 */
export function mergeEpochs(
  saved: Epochs | null,
  fresh: Epochs,
): { readonly all: Epochs; readonly dropped: string | null } {
  const { items: epochs, dropped } = mergeMeasurements(
    saved && { machine: saved.machine, items: saved.epochs },
    { machine: fresh.machine, items: fresh.epochs },
    ({ task, shape }) => `${task} ${shape}`,
  );
  return { all: { machine: fresh.machine, epochs }, dropped };
}

/** The training split of a task as DeBERTaV3 reads it. @param mirror where to take downloads from instead */
async function encodedTask(task: TaskName, mirror: string | undefined): Promise<EncodedExample[]> {
  const sources = readSources(), downloads = "data/downloads";
  const read = async (name: string) =>
    await Deno.readFile(await fetchSource(findSource(sources, name), { downloads, mirror }));
  const files = await Promise.all(officialFiles(task).map(async (name) => [basename(name), await read(name)] as const));
  const tokenizer = await sentencePieceTokenizer(await read("deberta-v3-base/spm.model"), "spm.model");
  const { train } = await readTask(task, Object.fromEntries(files));
  return train.map(({ a, b, label }) => ({ ids: encodePair(tokenizer, a, b, MOST), label }));
}

/** @param onTask gets all epochs so far whenever a task is done */
export async function compareEpochs(options: EpochOptions, onTask: (epochs: Epochs) => Promise<void>): Promise<Epochs> {
  const { shape = "xsmall", threads, rounds = 1, mirror } = options, { config } = SHAPES[shape]!;
  if (config.vocabulary < 128_100) {
    throw new UsageError(`Cannot train on real text with the shape "${shape}": its vocabulary is too small`);
  }
  const versions = await resultOf<Record<string, string>>("PyTorch", await theirs("machine.py", null));
  const tasks = await Promise.all(
    (options.task ? [options.task] : EPOCH_TASKS).map(async (task) => {
      const all = await encodedTask(task as TaskName, mirror);
      return { task, examples: all.slice(0, options.examples), longest: Math.max(...all.map(({ ids }) => ids.length)) };
    }),
  );
  const turns = interleave(EPOCH_SIDES, rounds);
  const progress = new Progress(tasks.flatMap(({ examples, longest }) =>
    turns.map(({ side }) => {
      const mean = examples.reduce((sum, { ids }) => sum + ids.length, 0) / examples.length;
      const length = side.endsWith("padded") ? longest : side.endsWith("dynamic") ? 1.6 * mean : 1.2 * mean;
      const engine = side.startsWith("native") ? "native" : "pytorch";
      return expectedSeconds({ engine, config, batch: BATCH, length, steps: Math.ceil(examples.length / BATCH) });
    })
  ));
  const folder = await Deno.makeTempDir({ prefix: "epoch-" });
  let done: Epochs = { machine: machine(versions), epochs: [] };
  try {
    for (const { task, examples, longest } of tasks) {
      const file = `${folder}/${task}.json`, real = examples.reduce((sum, { ids }) => sum + ids.length, 0);
      await Deno.writeTextFile(file, JSON.stringify(examples));
      const shared = { config, rank: RANK, batch: BATCH, threads, examples: file, lengths: LENGTHS, longest };
      const rows: Record<string, EpochRow[]> = {};
      for (const { side, round } of turns) {
        const request: EpochRequest = { ...shared, padded: side === "pytorch, padded" };
        const command = side.startsWith("native")
          ? ours("./epoch_ours.ts", request)
          : await theirs("epoch.py", request);
        const what = `${task}, ${side}, round ${round} of ${rounds}`;
        const row = await progress.during(
          what,
          (tell) => resultOf<EpochRow>(what, command, (share) => tell(share as number)),
        );
        (rows[side] ??= []).push(row);
      }
      const sides = Object.fromEntries(
        Object.entries(rows).map(([side, own]) => [side, summarizeSide(own, examples.length, real)]),
      );
      const epoch = { task, shape, batch: BATCH, examples: examples.length, longest, threads, sides };
      await onTask(done = { ...done, epochs: [...done.epochs, epoch] });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return done;
}
