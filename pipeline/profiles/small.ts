/** DeBERTaV3-xsmall on the four small GLUE tasks: about a day on two cores. */
import type { TaskName } from "../../src/glue/tasks.ts";
import { XSMALL } from "./checkpoints.ts";
import type { Profile } from "./profile.ts";
import { COMMON, methodsOfPaper, RECIPES, shortened } from "./recipes.ts";

const tasks = ["cola", "mrpc", "stsb", "rte"] as const satisfies readonly TaskName[];

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
  methods: methodsOfPaper(5e-5),
  finetune: { ...COMMON, tokensAtOnce: 1536 },
  recipes: Object.fromEntries(tasks.map((task) => [task, shortened(RECIPES[task])])),
  epochs: { cola: 4, mrpc: 5, stsb: 5, rte: 6 },
  seeds: [0, 1],
  control: "lora",
};
