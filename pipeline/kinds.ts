/** The kinds of steps: the versions of their code, the modules that run them, and what they cost beside each other. */

/** Versions of the code behind each kind of step: raise one when the same inputs would give other outputs. */
export const VERSIONS = {
  generate: 1,
  vocabulary: 1,
  tokenize: 1,
  corpus: 3,
  pretrain: 7,
  finetune: 11,
  subspace: 1,
  resources: 11,
  table: 4,
  figure: 3,
  numbers: 3,
  report: 1,
} as const;
export type Kind = keyof typeof VERSIONS;

/** The module that runs each kind of step. */
export const MODULES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(VERSIONS).map((kind) => [kind, new URL(`./steps/${kind}.ts`, import.meta.url).href]),
);

/** The kinds that take minutes and more: what a cluster runs as jobs. */
export const LONG_KINDS: readonly string[] = ["pretrain", "finetune"] satisfies Kind[];

/** Examples that LoRA trains on in a second, in profile mini on two cores, where expected seconds were measured. */
export const EXAMPLES_PER_SECOND = 850;

/** Cost of a fine-tuning run relative to LoRA's by method, where it differs: for the estimate of time left. */
export const RELATIVE_COST: Readonly<Record<string, number>> = {
  blora: 1.75,
  "blora-q": 1.55,
  "blora-ra": 1.1,
  "full-ft": 1.1,
  bitfit: 0.9,
  houlsby: 0.8,
  pfeiffer: 0.8,
};

/** The same of pre-training, whose examples go through every weight. */
export const PRETRAINING_COST = 1.4;
