/** The paper's experiment: DeBERTaV3-base on eight GLUE tasks from five seeds, for a GPU and days of it. */
import { TASK_NAMES, type TaskName } from "../../src/glue/tasks.ts";
import { BASE } from "./checkpoints.ts";
import type { Profile } from "./profile.ts";
import { RECIPES } from "./recipes.ts";

const tuned = { learningRate: "recipe", options: {} } as const;

export const paper: Profile = {
  name: "paper",
  summary: "DeBERTaV3-base on eight GLUE tasks: the paper's setting",
  backboneTitle: "DeBERTaV3-base",
  comparePublished: true,
  engine: "native",
  engineOnGpu: "tensorflow",
  data: { kind: "glue" },
  tasks: TASK_NAMES,
  ...BASE,
  lengths: [32, 64, 128, 256, 320, 512],
  methods: {
    "full-ft": { learningRate: 2e-5, options: {} },
    bitfit: { learningRate: 1e-3, options: {} },
    houlsby: { ...tuned, options: { bottleneck: 32 } },
    pfeiffer: { ...tuned, options: { bottleneck: 64 } },
    lora: tuned,
    dylora: tuned,
    adalora: tuned,
    "blora-q": tuned,
    "blora-ra": tuned,
    blora: tuned,
  },
  finetune: {
    batch: 32,
    tokensAtOnce: 4096,
    gateLearningRate: 1e-2,
    weightDecay: 0.01,
    maxNorm: 1,
    warmupShare: 0.1,
    classifierDropout: 0.1,
    headStd: 0.02,
  },
  recipes: RECIPES,
  epochs: Object.fromEntries(TASK_NAMES.map((task): [TaskName, number] => [task, RECIPES[task].epochs])),
  seeds: [0, 1, 2, 3, 4],
  rankSweep: { tasks: ["cola", "rte"], targets: ["qkv", "all6"], ranks: [2, 4, 8] },
};
