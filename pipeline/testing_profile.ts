/**
 * The smallest profile that goes through every kind of step and makes every table and figure. Run as a program, it is
 * reproduced with the options of `deno task reproduce` given as JSON.
 */
import { type Context, contextOf } from "./cli/context.ts";
import { reproduceContext, type ReproduceOptions } from "./cli/reproduce.ts";
import type { Profile } from "./profiles/profile.ts";

const blora = { learningRate: 1e-2, options: { rank: 2 } };

export const tiny: Profile = {
  name: "tiny",
  summary: "a few dozen examples show that the steps fit together, and nothing else",
  backboneTitle: "of one layer",
  comparePublished: false,
  engine: "portable",
  data: { kind: "mini", seed: 1, train: 40, dev: 16, corpus: 64 },
  tasks: ["cola", "stsb"],
  backbone: {
    hidden: 8,
    layers: 1,
    heads: 2,
    ffn: 8,
    maxPosition: 32,
    positionBuckets: 4,
    layerNormEps: 1e-7,
    hiddenDropout: 0.1,
    attentionDropout: 0.1,
  },
  lengths: [16, 28],
  weights: {
    kind: "pretrain",
    settings: {
      seed: 0,
      steps: 6,
      batch: 16,
      learningRate: 2e-3,
      weightDecay: 0.01,
      warmup: 2,
      replaced: 0.15,
      std: 0.05,
      lengths: [16, 28],
    },
  },
  methods: { lora: { learningRate: 1e-2, options: { rank: 2, target: "qkv" } }, blora },
  sizes: { lora: [{ rank: 1 }] },
  extended: { methods: { bitfit: { learningRate: 1e-2, options: {} } }, tasks: ["cola"] },
  rankSweep: { tasks: ["cola"], targets: ["qv", "qkv"], ranks: [1, 2] },
  finetune: {
    batch: 16,
    gateLearningRate: 0.1,
    weightDecay: 0.01,
    maxNorm: 1,
    warmupShare: 0.1,
    classifierDropout: 0.1,
    headStd: 0.1,
  },
  epochs: { cola: 2, stsb: 1 },
  seeds: [0],
  control: "lora",
};

/** The profile's steps on this machine. @param results the folder under which `tiny/` goes */
export function tinyContext(results: string): Promise<Context> {
  return contextOf(tiny, { results });
}

if (import.meta.main) {
  const options = JSON.parse(Deno.args[0] as string) as Omit<ReproduceOptions, "profile">;
  Deno.exit(await reproduceContext(await tinyContext(options.results), { profile: tiny.name, ...options }));
}
