/** MiniGLUE: the eight tasks drawn from a seed, in the formats of the official files. */
import { Stream } from "../../random/stream.ts";
import { type TaskName, TASKS } from "../tasks.ts";
import { drawCola } from "./cola.ts";
import { devPath, formatMsr, formatTsv } from "./files.ts";
import { drawMnli, drawRte } from "./inference.ts";
import { type DrawItem, type Item, MAX_PAIR, MAX_SINGLE } from "./item.ts";
import type { Domain } from "./lexicon.ts";
import { drawMrpc } from "./mrpc.ts";
import { drawQnli } from "./qnli.ts";
import { drawQqp } from "./qqp.ts";
import { drawSst2 } from "./sst2.ts";
import { drawStsb } from "./stsb.ts";

const DRAW: Readonly<Record<TaskName, DrawItem>> = {
  cola: drawCola,
  sst2: drawSst2,
  mrpc: drawMrpc,
  qqp: drawQqp,
  stsb: drawStsb,
  mnli: drawMnli,
  qnli: drawQnli,
  rte: drawRte,
};

/** Share of each class before noise, near the real tasks'. */
export const PRIORS: Readonly<Record<TaskName, readonly number[]>> = {
  cola: [0.3, 0.7],
  sst2: [0.5, 0.5],
  mrpc: [0.33, 0.67],
  qqp: [0.63, 0.37],
  stsb: [1],
  mnli: [1 / 3, 1 / 3, 1 / 3],
  qnli: [0.5, 0.5],
  rte: [0.5, 0.5],
};

/** Share of labels that are wrong on purpose, and the standard deviation of a score's error. */
export const LABEL_NOISE = 0.04;
export const SCORE_NOISE = 0.2;

/** An item with the label that the files give it. */
export interface LabelledItem extends Item {
  readonly label: number;
}

export interface Sizes {
  readonly seed: number;
  /** Numbers of examples; `dev` of each development split. */
  readonly train: number;
  readonly dev: number;
}

/**
 * The files of a task, by the names inside the official archives (`CoLA/train.tsv`; MRPC: its three files). The same
 * sizes give the same bytes everywhere. No text, or pair of texts, occurs twice.
 */
export function generateTask(name: TaskName, sizes: Sizes): Record<string, Uint8Array> {
  const splits = drawSplits(name, sizes), { files } = TASKS[name];
  const texts = files.kind === "msr" ? formatMsr(files, splits) : Object.fromEntries(
    Object.entries(splits).map(([split, items]) => [
      split === "train" ? `${files.folder}/train.tsv` : devPath(files, split),
      formatTsv(name, items),
    ]),
  );
  const encoder = new TextEncoder();
  return Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, encoder.encode(text)]));
}

/** The items behind generateTask(), with what is true of them, by split: `train` and the task's development splits. */
export function drawSplits(name: TaskName, { seed, train, dev }: Sizes): Record<string, LabelledItem[]> {
  const seen = new Set<string>();
  const splits = { train, ...Object.fromEntries(TASKS[name].devSplits.map((split) => [split, dev])) };
  return Object.fromEntries(
    Object.entries(splits).map(([split, count]) => [split, drawSplit(name, seed, split, count, seen)]),
  );
}

function drawSplit(name: TaskName, seed: number, split: string, count: number, seen: Set<string>): LabelledItem[] {
  const order = new Stream(seed, "mini-glue", name, split, "order");
  const domain: Domain | undefined = name !== "mnli" ? undefined : split === "mismatched" ? "town" : "farm";
  const wanted = order.shuffled(quotas(PRIORS[name], count));
  const items = wanted.map((label, i) => {
    const stream = new Stream(seed, "mini-glue", name, split, i);
    for (;;) {
      const item = DRAW[name](stream, label, domain);
      if (item !== null && isShort(item) && isNew(item, seen)) return item;
    }
  });
  if (TASKS[name].regression) {
    return items.map((item) => ({ ...item, label: tenths(item.truth + SCORE_NOISE * order.normal()) }));
  }
  const noisy = new Set(order.shuffled(items.map((_, i) => i)).slice(0, Math.round(LABEL_NOISE * count)));
  const classes = PRIORS[name].length;
  return items.map((item, i) => ({
    ...item,
    label: noisy.has(i) ? (item.truth + 1 + order.below(classes - 1)) % classes : item.truth,
  }));
}

/** As many of each class as its share says, the last class taking up the rounding. */
function quotas(shares: readonly number[], count: number): number[] {
  const out: number[] = [];
  let sum = 0;
  shares.forEach((share, label) => {
    sum += share;
    while (out.length < (label === shares.length - 1 ? count : Math.round(sum * count))) out.push(label);
  });
  return out;
}

function isShort({ a, b }: Item): boolean {
  const length = (text: string) => text.split(" ").length;
  return b === undefined ? length(a) <= MAX_SINGLE : length(a) + length(b) <= MAX_PAIR;
}

function isNew({ a, b }: Item, seen: Set<string>): boolean {
  const key = `${a}\t${b ?? ""}`;
  return !seen.has(key) && seen.add(key).has(key);
}

/** A score in tenths, from 0 to 5. */
function tenths(score: number): number {
  return Math.round(10 * Math.max(0, Math.min(5, score))) / 10;
}
