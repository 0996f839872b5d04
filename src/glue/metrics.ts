/** GLUE's metrics, with the conventions of scikit-learn and SciPy for degenerate inputs. */
import type { Scores } from "../training/record.ts";
import type { TaskData } from "./read.ts";
import { type MetricName, type TaskName, TASKS } from "./tasks.ts";

/** Numbers of a development split: class ids, or scores of a regression. */
export type Values = ArrayLike<number>;

/** Share of equal ids. */
export function accuracy(predictions: Values, references: Values): number {
  const n = checked(predictions, references);
  return count(n, (i) => predictions[i] === references[i]) / n;
}

/** F1 of class 1; 0 where it is 0/0, as in scikit-learn. */
export function f1(predictions: Values, references: Values): number {
  const n = checked(predictions, references);
  const hits = count(n, (i) => predictions[i] === 1 && references[i] === 1);
  const predicted = count(n, (i) => predictions[i] === 1), actual = count(n, (i) => references[i] === 1);
  return predicted + actual === 0 ? 0 : 2 * hits / (predicted + actual);
}

/**
 * Matthews correlation of any number of classes; 0 if either side is constant, as in scikit-learn.
 * Reference: Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation coefficient".
 */
export function matthews(predictions: Values, references: Values): number {
  const n = checked(predictions, references);
  const p = counts(predictions), r = counts(references);
  const correct = count(n, (i) => predictions[i] === references[i]);
  const dot = (x: Map<number, number>, y: Map<number, number>) =>
    [...x].reduce((sum, [id, times]) => sum + times * (y.get(id) ?? 0), 0);
  const variance = (n * n - dot(p, p)) * (n * n - dot(r, r));
  return variance === 0 ? 0 : (correct * n - dot(p, r)) / Math.sqrt(variance);
}

/**
 * Pearson correlation; NaN if either side is constant, as in SciPy.
 * @throws RangeError below two points
 */
export function pearson(predictions: Values, references: Values): number {
  const n = checked(predictions, references);
  if (n < 2) throw new RangeError(`pearson: "${n}" points, expected at least 2`);
  return correlation(predictions, references);
}

/** Spearman correlation, ties getting their average rank; NaN if either side is constant, or below two points. */
export function spearman(predictions: Values, references: Values): number {
  checked(predictions, references);
  return correlation(ranks(predictions), ranks(references));
}

/** Ranks from 1; equal values share the mean of their ranks, NaN ranks as NaN. */
export function ranks(values: Values): number[] {
  const order = Array.from(values, (value, index) => ({ value, index })).sort((x, y) => x.value - y.value);
  const out = new Array<number>(values.length).fill(NaN);
  for (let start = 0, end; start < order.length; start = end) {
    end = start + 1;
    while (end < order.length && order[end]?.value === order[start]?.value) end++;
    for (const { value, index } of order.slice(start, end)) out[index] = value === value ? (start + end + 1) / 2 : NaN;
  }
  return out;
}

/**
 * Every metric of a task.
 * @param predictions per development split (`dev`; for MNLI `matched` and `mismatched`): class ids or scores
 * @param references the same splits' labels
 * @throws RangeError if a split is missing, empty, or of another length than its references
 */
export function scoreTask(
  name: TaskName,
  predictions: Readonly<Record<string, Values>>,
  references: Readonly<Record<string, Values>>,
): Scores {
  const [first, second] = TASKS[name].devSplits;
  const on = (split: string | undefined, metric: (p: Values, r: Values) => number) => {
    const p = predictions[split ?? ""], r = references[split ?? ""];
    if (p === undefined || r === undefined) throw new RangeError(`scoreTask: ${name} has no split "${split}"`);
    return metric(p, r);
  };
  const compute: Record<MetricName, () => number> = {
    accuracy: () => on(first, accuracy),
    "accuracy-mismatched": () => on(second, accuracy),
    f1: () => on(first, f1),
    matthews: () => on(first, matthews),
    pearson: () => on(first, pearson),
    spearman: () => on(first, spearman),
  };
  return Object.fromEntries(TASKS[name].metrics.map((metric) => [metric, compute[metric]()]));
}

/**
 * The one number of the average column: Matthews for cola, the mean of both correlations for stsb, the mean of both
 * accuracies for mnli, accuracy elsewhere.
 *
 * A NaN counts as 0: a regressor that answers one constant has no correlation, which is no better than chance, and a NaN
 * would win or lose every comparison with another epoch by accident.
 */
export function headline(name: TaskName, scores: Scores): number {
  const parts = TASKS[name].headline;
  return parts.reduce((sum, metric) => sum + (scores[metric] || 0), 0) / parts.length;
}

/** The headline of always answering the training set's most frequent label (its mean score for stsb). */
export function majorityScore(name: TaskName, data: TaskData): number {
  const labels = data.train.map(({ label }) => label);
  const constant = TASKS[name].regression ? labels.reduce((sum, y) => sum + y, 0) / labels.length : mode(labels);
  const references = Object.fromEntries(
    Object.entries(data.dev).map(([split, examples]) => [split, examples.map(({ label }) => label)]),
  );
  const answers = Object.fromEntries(Object.entries(references).map(([split, y]) => [split, y.map(() => constant)]));
  return headline(name, scoreTask(name, answers, references));
}

/** The most frequent id, the smallest of equals. */
function mode(labels: readonly number[]): number {
  return [...counts(labels)].reduce((best, it) =>
    it[1] > best[1] || it[1] === best[1] && it[0] < best[0] ? it : best
  )[0];
}

function checked(predictions: Values, references: Values): number {
  const { length } = predictions;
  if (length !== references.length) {
    throw new RangeError(`"${length}" predictions, expected one for each of ${references.length} references`);
  }
  if (length === 0) throw new RangeError("There are no predictions to score");
  return length;
}

function count(n: number, holds: (i: number) => boolean): number {
  let total = 0;
  for (let i = 0; i < n; i++) if (holds(i)) total++;
  return total;
}

function counts(values: Values): Map<number, number> {
  const out = new Map<number, number>();
  for (const value of Array.from(values)) out.set(value, (out.get(value) ?? 0) + 1);
  return out;
}

/** Pearson's r by centred, normalised vectors (sums of squares of the raw values would cancel), clipped to [-1, 1]. */
function correlation(x: Values, y: Values): number {
  if (isConstant(x) || isConstant(y)) return NaN;
  const u = unit(x), v = unit(y);
  const r = u.reduce((sum, value, i) => sum + value * (v[i] as number), 0);
  return Math.max(-1, Math.min(1, r));
}

function isConstant(values: Values): boolean {
  return count(values.length, (i) => values[i] !== values[0]) === 0;
}

function unit(values: Values): number[] {
  const all = Array.from(values), mean = all.reduce((sum, v) => sum + v, 0) / all.length;
  const centred = all.map((v) => v - mean), norm = Math.sqrt(centred.reduce((sum, v) => sum + v * v, 0));
  return centred.map((v) => v / norm);
}
