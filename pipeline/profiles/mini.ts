/** Everything in minutes on two cores: generated tasks, a backbone of three layers, no network. */
import type { Profile } from "./profile.ts";

const blora = { learningRate: 2e-3, options: { lambdaBits: 1e-3, lambdaRank: 1e-3 } };

export const mini: Profile = {
  name: "mini",
  summary: "generated tasks and a backbone of three layers show the whole pipeline, not the paper's scores",
  backboneTitle: "a backbone of 3 layers, pre-trained here on generated text",
  comparePublished: false,
  engine: "portable",
  data: { kind: "mini", seed: 1, train: 2000, dev: 400, corpus: 20_000 },
  tasks: ["cola", "sst2", "mrpc", "qqp", "stsb", "mnli", "qnli", "rte"],
  backbone: {
    hidden: 64,
    layers: 3,
    heads: 4,
    ffn: 128,
    maxPosition: 64,
    positionBuckets: 16,
    layerNormEps: 1e-7,
    hiddenDropout: 0.1,
    attentionDropout: 0.1,
  },
  lengths: [12, 20, 28],
  pretrain: {
    seed: 0,
    steps: 1500,
    batch: 32,
    learningRate: 2e-3,
    weightDecay: 0.01,
    warmup: 100,
    replaced: 0.15,
    std: 0.05,
  },
  methods: {
    "full-ft": { learningRate: 5e-4, options: {} },
    bitfit: { learningRate: 4e-3, options: {} },
    lora: { learningRate: 2e-3, options: {} },
    "blora-q": blora,
    "blora-ra": blora,
    blora,
  },
  finetune: {
    batch: 32,
    gateLearningRate: 4e-2,
    weightDecay: 0.01,
    maxNorm: 1,
    warmupShare: 0.06,
    classifierDropout: 0.1,
    headStd: 0.05,
  },
  epochs: { cola: 5, sst2: 5, mrpc: 5, qqp: 5, stsb: 5, mnli: 5, qnli: 5, rte: 5 },
  seeds: [0, 1],
  control: "lora",
};
