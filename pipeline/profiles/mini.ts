/** Everything in minutes on two cores: generated tasks, a backbone of three layers, no network. */
import type { Profile } from "./profile.ts";

const low = { learningRate: 4e-3, options: { alpha: 16 } };
// All of the rank sweep's own options, so that its runs of this size are these.
const lora = { ...low, options: { ...low.options, rank: 8, target: "qkv" } };
const blora = { learningRate: 6e-3, options: { alpha: 16, lambdaBits: 1e-3, lambdaRank: 5e-3 } };

export const mini = {
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
  lengths: [8, 11, 13, 16, 20, 24, 28],
  weights: {
    kind: "pretrain",
    settings: {
      seed: 0,
      steps: 2700,
      batch: 24,
      learningRate: 2.5e-3,
      weightDecay: 0.01,
      warmup: 100,
      replaced: 0.15,
      std: 0.125,
      lengths: [10, 13, 16, 19, 22, 25, 28],
    },
  },
  methods: {
    "full-ft": { learningRate: 1e-3, options: {} },
    bitfit: { learningRate: 8e-3, options: {} },
    houlsby: { learningRate: 5e-3, options: {} },
    pfeiffer: { learningRate: 5e-3, options: {} },
    lora,
    dylora: low,
    adalora: { learningRate: 8e-3, options: { alpha: 24 } },
    "blora-q": { ...blora, options: { alpha: 16, lambdaBits: 1e-3 } },
    "blora-ra": { ...blora, options: { alpha: 16, lambdaRank: 5e-3 } },
    blora,
  },
  finetune: {
    batch: 16,
    evaluationLengths: [16, 28],
    gateLearningRate: 0.075,
    weightDecay: 0.01,
    maxNorm: 1,
    warmupShare: 0.1,
    classifierDropout: 0.1,
    headStd: 0.125,
  },
  epochs: { cola: 2, sst2: 2, mrpc: 2, qqp: 2, stsb: 2, mnli: 2, qnli: 2, rte: 2 },
  seeds: [0, 1],
  control: "lora",
  extended: {
    methods: {
      "prompt-tuning": { learningRate: 5e-3, options: {} },
      "prefix-tuning": { learningRate: 2e-2, options: {} },
      "lora-xs": { learningRate: 5e-3, options: { rank: 16 } },
      "vb-lora": { learningRate: 5e-3, options: { vectorLength: 32 } },
      mora: { learningRate: 5e-3, options: {} },
      intrinsic: { learningRate: 5e-3, options: { dimension: 1024 } },
      hydralora: low,
      roselora: low,
      qlora: low,
      "lq-lora": low,
      apiq: low,
      "q-bara": low,
      "qa-hira": { learningRate: 5e-3, options: { scale: 4 } },
    },
    tasks: ["cola", "mrpc"],
    seeds: [0],
  },
  rankSweep: { tasks: ["cola"], targets: ["qv", "qkv", "all6"], ranks: [1, 2, 4, 8, 64], seeds: [0] },
} satisfies Profile;
