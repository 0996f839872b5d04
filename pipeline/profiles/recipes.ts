/**
 * Settings of each GLUE task, from AdaLoRA's published scripts and Table 8 of its paper (Zhang et al. 2023, arXiv 2303.10512); where
 * the two disagree the paper wins [choice]. The other low-rank methods and the bottleneck adapters take the same [choice], B-LoRA
 * among them, whose own settings per task could not be obtained.
 */
import type { TaskName } from "../../src/glue/tasks.ts";
import type { CommonSettings, MethodSettings, Profile, Recipe } from "./profile.ts";

/** A recipe for a run of so many epochs. */
interface Published extends Recipe {
  readonly epochs: number;
}

const METHODS_WITH_ALPHA = ["lora", "dylora", "blora", "blora-q", "blora-ra"];

/** @param budget of AdaLoRA: steps before ranks fall, steps after they have fallen, and steps between allocations */
function row(
  learningRate: number,
  epochs: number,
  warmup: Pick<Recipe, "warmupSteps" | "warmupShare">,
  maxLength: number,
  alpha: number,
  orthogonality: number,
  budget: readonly [tInit: number, tFinal: number, deltaT: number],
  classifierDropout: number,
  weightDecay: number,
): Published {
  const [tInit, tFinal, deltaT] = budget, adalora = { alpha, orthogonality, tInit, tFinal, deltaT };
  const options = { ...Object.fromEntries(METHODS_WITH_ALPHA.map((method) => [method, { alpha }])), adalora };
  return { learningRate, epochs, ...warmup, maxLength, options, classifierDropout, weightDecay };
}

/** Rate, epochs, warm-up, tokens, alpha, weight of AdaLoRA's penalty, its budget, dropout before the classifier, decay. */
export const RECIPES: Readonly<Record<TaskName, Published>> = {
  mnli: row(5e-4, 7, { warmupSteps: 1000 }, 256, 16, 0.1, [8000, 50_000, 100], 0.15, 0),
  sst2: row(8e-4, 24, { warmupSteps: 1000 }, 128, 16, 0.1, [6000, 22_000, 100], 0, 0.01),
  cola: row(5e-4, 25, { warmupSteps: 100 }, 64, 32, 0.5, [800, 3500, 10], 0.1, 0),
  qqp: row(5e-4, 5, { warmupSteps: 2000 }, 320, 16, 0.1, [8000, 25_000, 100], 0.15, 0.01),
  qnli: row(1.2e-3, 5, { warmupSteps: 500 }, 512, 32, 0.1, [2000, 8000, 100], 0.1, 0.01),
  rte: row(1.2e-3, 50, { warmupSteps: 200 }, 320, 32, 0.3, [600, 1800, 1], 0.2, 0.01),
  mrpc: row(1e-3, 30, { warmupShare: 0.1 }, 320, 32, 0.1, [600, 1800, 1], 0, 0.01),
  stsb: row(2.2e-3, 25, { warmupSteps: 100 }, 128, 32, 0.1, [800, 2000, 10], 0.2, 0.1),
};

/** A recipe for shorter runs than it was published for: what it counts in steps is left to the profile and the method. */
export function shortened({ epochs: _, warmupSteps: __, options, ...rest }: Published): Recipe {
  const { alpha, orthogonality } = options!.adalora as Record<string, number>;
  return { ...rest, options: { ...options, adalora: { alpha: alpha!, orthogonality: orthogonality! } } };
}

/** What runs on published checkpoints have in common. */
export const COMMON: CommonSettings = {
  batch: 32,
  gateLearningRate: 1e-2,
  weightDecay: 0.01,
  maxNorm: 1,
  warmupShare: 0.1,
  classifierDropout: 0.1,
  headStd: 0.02,
};

/** What differs at the smaller two of the three budgets that the tables of the literature give to baselines. */
export const SMALLER_SIZES: NonNullable<Profile["sizes"]> = {
  houlsby: [{ bottleneck: 16 }, { bottleneck: 8 }],
  pfeiffer: [{ bottleneck: 32 }, { bottleneck: 16 }],
  lora: [{ rank: 4 }, { rank: 2 }],
  adalora: [{ initRank: 6, targetRank: 4 }, { initRank: 4, targetRank: 2 }],
};

/** The paper's methods and baselines at the largest budget of its tables. @param fullRate of full fine-tuning [choice] */
export function methodsOfPaper(fullRate: number): Record<string, MethodSettings> {
  const tuned: MethodSettings = { learningRate: "recipe", options: {} };
  return {
    "full-ft": { learningRate: fullRate, options: {} },
    bitfit: { learningRate: 1e-3, options: {} },
    houlsby: { ...tuned, options: { bottleneck: 32 } },
    pfeiffer: { ...tuned, options: { bottleneck: 64 } },
    // All of the rank sweep's own options, so that its runs of these sizes are these.
    lora: { ...tuned, options: { rank: 8, target: "qkv" } },
    dylora: tuned,
    adalora: tuned,
    "blora-q": tuned,
    "blora-ra": tuned,
    blora: tuned,
  };
}
