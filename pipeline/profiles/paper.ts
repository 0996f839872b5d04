/** The paper's experiment: DeBERTaV3-base on eight GLUE tasks from five seeds, for a GPU and weeks of it, or a cluster. */
import { TASK_NAMES, type TaskName } from "../../src/glue/tasks.ts";
import { BASE } from "./checkpoints.ts";
import type { Profile } from "./profile.ts";
import { COMMON, methodsOfPaper, RECIPES, SMALLER_SIZES } from "./recipes.ts";

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
  methods: methodsOfPaper(2e-5),
  sizes: SMALLER_SIZES,
  finetune: { ...COMMON, tokensAtOnce: 2048 },
  recipes: RECIPES,
  epochs: Object.fromEntries(TASK_NAMES.map((task): [TaskName, number] => [task, RECIPES[task].epochs])),
  seeds: [0, 1, 2, 3, 4],
  rankSweep: { tasks: ["cola", "rte"], targets: ["qkv", "all6"], ranks: [2, 4, 8] },
};
