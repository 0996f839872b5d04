/** Results that nobody measured, for tests of tables and figures: the shapes of real ones, with the usual mishaps. */
import { TASK_NAMES, type TaskName, TASKS } from "../src/glue/tasks.ts";
import { Stream } from "../src/random/stream.ts";
import { type EpochRecord, type Matrix, QUANTIZED, type Quantized, type Site } from "../src/training/record.ts";
import { isRead } from "./records.ts";
import type { DatasetRow, Results, Run } from "./results.ts";
import { methodFacts } from "./steps/gather.ts";

const METHODS = ["full-ft", "bitfit", "lora", "adalora", "blora-q", "blora-ra", "blora"];

export interface Wanted {
  readonly tasks?: readonly string[];
  readonly layers?: number;
  readonly hidden?: number;
  readonly matrices?: readonly Matrix[];
  readonly comparePublished?: boolean;
}

/** The same results for the same wish: eight tasks, seven methods, three seeds, a control, one collapse, one divergence. */
export function syntheticResults(wanted: Wanted = {}): Results {
  const { tasks = TASK_NAMES, layers = 3, hidden = 64, matrices = ["query", "key", "value"] } = wanted;
  const run = (method: string, task: string, seed: number, backbone: Run["backbone"] = "pretrained") =>
    syntheticRun({ method, task, seed, backbone, layers, hidden, matrices });
  return {
    profile: wanted.comparePublished ? "small" : "mini",
    benchmark: wanted.comparePublished ? "GLUE" : "MiniGLUE",
    comparePublished: wanted.comparePublished ?? false,
    engine: "portable",
    backbone: wanted.comparePublished ? "DeBERTaV3-xsmall" : "mini (pre-trained here)",
    shape: { hidden, ffn: 4 * hidden, layers, heads: hidden / 16, vocab: 600, positionBuckets: 16 },
    methods: [...METHODS, "dylora"].map(methodFacts),
    sizes: tasks.flatMap((task) =>
      [4, 2].flatMap((rank) =>
        [1, 2].map((seed) => ({
          ...run("lora", task, seed),
          step: `sizes/lora-${rank}/${task}/seed-${seed}`,
          options: { rank, alpha: 16 },
          ...(rank === 4 && task === "rte" && seed === 2 && { outcome: { kind: "collapsed" } as const }),
        }))
      )
    ),
    extended: tasks.slice(0, 2).map((task) => ({
      ...run("lora", task, 1),
      step: `extended/dylora/${task}/seed-1`,
      method: "dylora",
    })),
    rankSweep: [1, 2].flatMap((seed) =>
      [1, 4].map((rank) => ({
        ...run("lora", tasks[0]!, seed),
        step: `rank-sweep/qkv-r${rank}/${tasks[0]}/seed-${seed}`,
        options: { rank, alpha: 16, target: "qkv" },
      }))
    ),
    subspace: {
      step: `subspace/${tasks[0]}`,
      task: tasks[0]!,
      seed: 1,
      rows: matrices.map((matrix) => ({
        layer: 0,
        matrix,
        rank: 8,
        update: 0.5,
        weight: 4,
        random: 0.25,
        weightNorm: 8,
        updateNorm: 2,
      })),
    },
    resources: {
      step: "resources",
      batch: 16,
      length: 28,
      rows: [
        { method: "bitfit", target: null, parameters: 1000, macs: 2e8, bytes: 3e6 },
        ...["qv", "all6"].map((target) => ({ method: "lora", target, parameters: 9000, macs: 3e8, bytes: 4e6 })),
      ],
    },
    runs: tasks.flatMap((task) => [
      ...METHODS.flatMap((method) => [1, 2, 3].map((seed) => run(method, task, seed))),
      ...[1, 2, 3].map((seed) => run("lora", task, seed, "random")),
    ]),
    datasets: tasks.map(syntheticDataset),
  };
}

/** What is left of results for one who reads the records of some steps only, as `paper()` declares it. */
export function asRead(results: Results, reads: readonly string[]): Results {
  const kept = (runs: readonly Run[]) => runs.filter(({ step }) => isRead(reads, step));
  const { subspace, resources } = results;
  return {
    ...results,
    runs: kept(results.runs),
    sizes: kept(results.sizes),
    extended: kept(results.extended),
    rankSweep: kept(results.rankSweep),
    subspace: subspace && isRead(reads, subspace.step) ? subspace : null,
    resources: resources && isRead(reads, resources.step) ? resources : null,
    datasets: results.datasets.filter(({ task }) => isRead(reads, `tokenize/${task}`)),
  };
}

/** The same with every run diverged. */
export function allDiverged(results: Results): Results {
  const lost = (runs: readonly Run[]) =>
    runs.map((run): Run => ({ ...run, outcome: { kind: "diverged", step: 3 }, epochs: [], best: null, last: null }));
  const { runs, sizes, extended, rankSweep } = results;
  return {
    ...results,
    runs: lost(runs),
    sizes: lost(sizes),
    extended: lost(extended),
    rankSweep: lost(rankSweep),
  };
}

function syntheticDataset(task: string): DatasetRow {
  return {
    task,
    train: 2000,
    dev: 400,
    devMismatched: task === "mnli" ? 400 : null,
    labels: task === "stsb" ? null : task === "mnli" ? 3 : 2,
    meanLength: 12 + task.length,
    majorityShare: task === "stsb" ? null : 0.6725,
    source: "MiniGLUE, seed 1",
  };
}

type Made = Pick<Run, "method" | "task" | "seed" | "backbone"> & {
  readonly layers: number;
  readonly hidden: number;
  readonly matrices: readonly Matrix[];
};

function syntheticRun({ method, task, seed, backbone, layers, hidden, matrices }: Made): Run {
  const stream = new Stream(seed, method, task, backbone), adapted = method.includes("lora");
  const sites = adapted
    ? Array.from(
      { length: layers },
      (_, layer) => matrices.map((matrix) => syntheticSite(stream, method, layer / layers, layer, matrix)),
    ).flat()
    : [];
  const epochs = [1, 2, 3].map((epoch): EpochRecord => {
    const score = (backbone === "random" ? 0.6 : 0.72) + 0.03 * epoch + 0.04 * stream.uniform();
    return { epoch, loss: 1 / epoch, scores: scoresOf(task, score), score };
  });
  const best = epochs.reduce((a, b) => b.score > a.score ? b : a), last = epochs.at(-1) ?? null;
  const label = backbone === "random" ? `${method}-on-random` : method;
  return {
    step: `finetune/${label}/${task}/seed-${seed}`,
    method,
    task,
    seed,
    backbone,
    outcome: outcomeOf(method, task, seed),
    split: task === "mnli" ? "matched and mismatched" : "dev",
    epochs,
    best,
    last,
    majorityScore: 0.6725,
    parameters: {
      method: adapted ? 16 * hidden * sites.length : 6400,
      head: hidden * hidden + 3 * hidden,
      backbone: 152_000,
    },
    sites,
    steps: 750,
    meanLength: 12 + task.length,
    costs: [],
    virtualTokens: 0,
    options: adapted ? { rank: 8, alpha: 16, ...lambdasOf(method) } : {},
    settings: {
      learningRate: 5e-4,
      epochs: 3,
      batch: 16,
      warmUp: 100,
    },
  };
}

/** Every metric of a task, of which the headline is the score. */
function scoresOf(task: string, score: number): EpochRecord["scores"] {
  const [first, second] = TASKS[task as TaskName].metrics;
  if (!second) return { [first!]: score };
  return second === "f1" ? { [first!]: score, f1: score - 0.02 } : { [first!]: score + 0.01, [second]: score - 0.01 };
}

function lambdasOf(method: string): Record<string, number> {
  return {
    ...(["blora", "blora-q"].includes(method) && { lambdaBits: 0.001 }),
    ...(["blora", "blora-ra"].includes(method) && { lambdaRank: 0.001 }),
  };
}

function syntheticSite(stream: Stream, method: string, depth: number, layer: number, matrix: Matrix): Site {
  const diagonal = ["adalora", "blora", "blora-ra"].includes(method);
  const wide = matrix === "value" ? 1 : 0, noise = () => Math.floor(3 * stream.uniform()) - 1;
  const rank = diagonal ? Math.max(1, Math.min(8, Math.round(2 + 4 * depth) + 2 * wide + noise())) : 8;
  const width = (item: Quantized) => 2 ** Math.max(1, Math.min(5, (item === "W0" ? 3 : 2) + wide + noise()));
  const items = QUANTIZED.filter((item) => diagonal || !item.startsWith("E"));
  const bits = method === "blora" || method === "blora-q"
    ? Object.fromEntries(items.map((item) => [item, width(item)]))
    : {};
  return { layer, matrix, rank, maxRank: 8, diagonal, bits };
}

function outcomeOf(method: string, task: string, seed: number): Run["outcome"] {
  if (method === "bitfit" && task === "cola" && seed === 2) return { kind: "collapsed" };
  if (method === "full-ft" && task === "rte" && seed === 3) return { kind: "diverged", step: 120 };
  return { kind: "ok" };
}
