/** DeBERTaV3-xsmall on the four small GLUE tasks: about a day on two cores. */
import type { TaskName } from "../../src/glue/tasks.ts";
import { XSMALL } from "./checkpoints.ts";
import type { Profile } from "./profile.ts";
import { RECIPES, shortened } from "./recipes.ts";

const tasks = ["cola", "mrpc", "stsb", "rte"] as const satisfies readonly TaskName[];
const tuned = { learningRate: "recipe", options: {} } as const;

export const small: Profile = {
  name: "small",
  summary: "DeBERTaV3-xsmall on four small GLUE tasks, for a few epochs each",
  backboneTitle: "DeBERTaV3-xsmall",
  comparePublished: true,
  engine: "native",
  data: { kind: "glue" },
  tasks,
  ...XSMALL,
  lengths: [16, 32, 48, 64, 96, 128, 192, 320],
  methods: {
    "full-ft": { learningRate: 5e-5, options: {} },
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
    tokensAtOnce: 1536,
    gateLearningRate: 1e-2,
    weightDecay: 0.01,
    maxNorm: 1,
    warmupShare: 0.1,
    classifierDropout: 0.1,
    headStd: 0.02,
  },
  recipes: Object.fromEntries(tasks.map((task) => [task, shortened(RECIPES[task])])),
  epochs: { cola: 4, mrpc: 5, stsb: 5, rte: 6 },
  seeds: [0, 1],
  control: "lora",
};
