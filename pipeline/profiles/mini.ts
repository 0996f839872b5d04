/** Everything in minutes on two cores: generated tasks, a backbone of three layers, no network. */
import type { Profile } from "./profile.ts";

const blora = { learningRate: 5e-3, options: { alpha: 32, lambdaBits: 5e-4, lambdaRank: 3e-3 } };

export const mini: Profile = {
  name: "mini",
  summary: "generated tasks and a backbone of three layers show the whole pipeline, not the paper's scores",
  backboneTitle: "of 3 layers, pre-trained here on generated text",
  comparePublished: false,
  engine: "portable",
  data: { kind: "mini", seed: 1, train: 2000, dev: 400, corpus: 40_000 },
  tasks: ["cola", "sst2", "mrpc", "qqp", "stsb", "mnli", "qnli", "rte"],
  backbone: {
    hidden: 64,
    layers: 3,
    heads: 4,
    ffn: 64,
    maxPosition: 64,
    positionBuckets: 16,
    layerNormEps: 1e-7,
    hiddenDropout: 0,
    attentionDropout: 0,
  },
  lengths: [12, 20, 28],
  pretrain: {
    seed: 0,
    steps: 4500,
    batch: 24,
    learningRate: 3e-3,
    weightDecay: 0.01,
    warmup: 100,
    replaced: 0.15,
    std: 0.05,
    // A single run does not mind a few programs more, and finer lengths save padding.
    lengths: [12, 16, 20, 24, 28],
  },
  methods: {
    "full-ft": { learningRate: 1e-3, options: {} },
    bitfit: { learningRate: 6e-3, options: {} },
    lora: { learningRate: 5e-3, options: { alpha: 32 } },
    "blora-q": blora,
    "blora-ra": blora,
    blora,
  },
  finetune: {
    batch: 16,
    gateLearningRate: 0.15,
    weightDecay: 0.01,
    maxNorm: 1,
    warmupShare: 0.06,
    classifierDropout: 0.1,
    headStd: 0.125,
  },
  epochs: { cola: 2, sst2: 3, mrpc: 2, qqp: 2, stsb: 2, mnli: 2, qnli: 2, rte: 2 },
  seeds: [0, 1],
  control: "lora",
};
