/** Four small GLUE tasks as they are, the real tokenizer, and a small backbone pre-trained on the tasks' own text. */
import type { Profile } from "./profile.ts";

const learningRate = 2e-3;

export const glueMini: Profile = {
  name: "glue-mini",
  summary: "real GLUE files and the real tokenizer on a small backbone of our own, not the paper's scores",
  backboneTitle: "of 3 layers, pre-trained here on the tasks' own training text",
  comparePublished: false,
  engine: "native",
  data: { kind: "glue" },
  tasks: ["cola", "mrpc", "stsb", "rte"],
  backbone: {
    hidden: 128,
    layers: 3,
    heads: 4,
    ffn: 256,
    maxPosition: 128,
    positionBuckets: 32,
    layerNormEps: 1e-7,
    hiddenDropout: 0.1,
    attentionDropout: 0.1,
  },
  lengths: [16, 24, 32, 48, 64, 96],
  weights: {
    kind: "pretrain",
    settings: {
      seed: 0,
      steps: 1500,
      batch: 32,
      learningRate: 2e-3,
      weightDecay: 0.01,
      warmup: 100,
      replaced: 0.15,
      std: 0.1,
      lengths: [16, 24, 32, 48, 64, 96],
    },
  },
  methods: {
    "full-ft": { learningRate: 3e-4, options: {} },
    bitfit: { learningRate: 3e-3, options: {} },
    lora: { learningRate: 2e-3, options: {} },
    "blora-q": { learningRate, options: { lambdaBits: 5e-4 } },
    "blora-ra": { learningRate, options: { lambdaRank: 3e-3 } },
    blora: { learningRate, options: { lambdaBits: 5e-4, lambdaRank: 3e-3 } },
  },
  finetune: {
    batch: 32,
    gateLearningRate: 5e-2,
    weightDecay: 0.01,
    maxNorm: 1,
    warmupShare: 0.06,
    classifierDropout: 0.1,
    headStd: 0.1,
  },
  epochs: { cola: 2, mrpc: 3, stsb: 3, rte: 3 },
  seeds: [0],
  control: "lora",
};
