/**
 * The paper's experiment as a declaration: what a profile computes, from which inputs, into which results.
 *
 * Data: generated or official files, tokenized. Backbone: pre-trained here. Runs: every method on every task from every seed,
 * and one method on an untrained backbone as a control. Results: every table and figure, from the records of all runs.
 */
import type { EngineName } from "../src/engines/open.ts";
import { officialFiles, plainFiles } from "../src/glue/task_files.ts";
import type { TaskName } from "../src/glue/tasks.ts";
import type { ResultFiles } from "../src/graph/lock_file.ts";
import type { Input, Json, Step } from "../src/graph/step.ts";
import { FIGURE_FORMATS, TABLE_FORMATS } from "../src/render/formats.ts";
import { FIGURE_NAMES } from "./figures/registry.ts";
import type { Profile } from "./profiles/profile.ts";
import { TABLE_NAMES } from "./tables/registry.ts";

/** Versions of the code behind each kind of step: raise one when the same inputs would give other outputs. */
const VERSIONS = {
  generate: 1,
  vocabulary: 1,
  tokenize: 1,
  corpus: 1,
  pretrain: 1,
  finetune: 1,
  collect: 1,
  table: 1,
  figure: 1,
} as const;
type Kind = keyof typeof VERSIONS;

/** The module that runs each kind of step. */
export const MODULES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(VERSIONS).map((kind) => [kind, new URL(`./steps/${kind}.ts`, import.meta.url).href]),
);

/** Cost of a fine-tuning run relative to LoRA's, for the estimate of time left. */
const RELATIVE_COST: Readonly<Record<string, number>> = { blora: 2, "blora-q": 1.8, "full-ft": 1.3 };

/** Downloaded inputs by the name they have in data/sources.json. */
export type Downloads = (name: string) => Input;

const SPM = "deberta-v3-base/spm.model";

/** The downloads that a profile needs. */
export function downloadsOf({ data, tasks }: Profile): string[] {
  return data.kind === "mini" ? [] : [...tasks.flatMap(officialFiles), SPM];
}

/** Every step of a profile. */
export function paper(profile: Profile, engine: EngineName, downloads: Downloads): Step[] {
  const { tasks, lengths, backbone, pretrain, methods, finetune, data } = profile, maxLength = lengths.at(-1)!;
  const steps: Step[] = [];
  const declare = (kind: Kind, name: string, rest: Omit<Step, "name" | "kind" | "version">): string => {
    steps.push({ name, kind, version: VERSIONS[kind], ...rest });
    return name;
  };
  const real = data.kind === "glue", spm: Record<string, Input> = real ? { "spm.model": downloads(SPM) } : {};

  // Data.
  const files = (task: TaskName): Record<string, Input> => {
    const role = (file: string) => `${task}:${file}`;
    if (data.kind === "glue") {
      return Object.fromEntries(officialFiles(task).map((file) => [role(file), downloads(file)]));
    }
    return Object.fromEntries(plainFiles(task).map((file) => [role(file), { step: `generate/${task}`, output: file }]));
  };
  if (data.kind === "mini") {
    const { seed, train, dev } = data;
    for (const task of tasks) {
      declare("generate", `generate/${task}`, {
        parameters: { task, seed, train, dev },
        inputs: {},
        outputs: plainFiles(task),
      });
    }
  }
  const vocabulary = declare("vocabulary", "vocabulary", {
    parameters: { tasks, backbone } as unknown as Json,
    inputs: real ? { ...spm, ...Object.assign({}, ...tasks.map(files)) } : {},
    outputs: ["vocabulary.json", "config.json"],
  });
  const config: Input = { step: vocabulary, output: "config.json" };
  const tokens: Record<string, Input> = { "vocabulary.json": { step: vocabulary, output: "vocabulary.json" }, ...spm };
  for (const task of tasks) {
    const source = data.kind === "mini" ? `MiniGLUE, seed ${data.seed}` : `GLUE, ${officialFiles(task)[0]}`;
    declare("tokenize", `tokenize/${task}`, {
      parameters: { task, maxLength, source },
      inputs: { ...tokens, ...files(task) },
      outputs: ["examples.json", "dataset.json"],
    });
  }

  // Backbone.
  const corpus = declare("corpus", "corpus", {
    parameters: data.kind === "mini" ? { seed: data.seed, count: data.corpus, maxLength } : { tasks },
    inputs: data.kind === "mini" ? tokens : Object.fromEntries(
      tasks.map((task) => [`${task}:examples.json`, { step: `tokenize/${task}`, output: "examples.json" }]),
    ),
    outputs: ["sequences.json"],
  });
  const backboneStep = declare("pretrain", "pretrain", {
    parameters: { settings: pretrain } as unknown as Json,
    inputs: { ...tokens, "config.json": config, "sequences.json": { step: corpus, output: "sequences.json" } },
    outputs: ["backbone.safetensors", "pretrain.json"],
    engine,
    seconds: 15,
  });

  // Runs.
  const run = (method: string, task: TaskName, seed: number, start: "pretrained" | "random"): string => {
    const { learningRate, options } = methods[method]!,
      { warmupShare, classifierDropout, headStd, ...common } = finetune;
    const label = start === "random" ? `${method}-on-random` : method;
    return declare("finetune", `finetune/${label}/${task}/seed-${seed}`, {
      parameters: {
        method,
        options,
        task,
        seed,
        backbone: start,
        settings: { ...common, learningRate, epochs: profile.epochs[task]!, lengths },
        warmupShare,
        classifierDropout,
        headStd,
        backboneStd: pretrain.std,
      },
      inputs: {
        "config.json": config,
        "examples.json": { step: `tokenize/${task}`, output: "examples.json" },
        "dataset.json": { step: `tokenize/${task}`, output: "dataset.json" },
        ...(start === "pretrained" &&
          { "backbone.safetensors": { step: backboneStep, output: "backbone.safetensors" } }),
      },
      outputs: ["run.json", "adapter_config.json", "adapter_model.safetensors"],
      engine,
      seconds: RELATIVE_COST[method] ?? 1,
    });
  };
  const runs = [
    ...Object.keys(methods).flatMap((m) =>
      tasks.flatMap((t) => profile.seeds.map((seed) => run(m, t, seed, "pretrained")))
    ),
    ...tasks.map((task) => run(profile.control, task, profile.seeds[0]!, "random")),
  ];

  // Results.
  const { name, backboneTitle, comparePublished } = profile;
  const collect = declare("collect", "collect", {
    // The order of tasks is that of the tables.
    parameters: {
      profile: name,
      benchmark: real ? "GLUE" : "MiniGLUE",
      engine,
      backboneTitle,
      comparePublished,
      tasks,
    },
    inputs: {
      "config.json": config,
      ...Object.fromEntries(tasks.map((t) => [`${t}:dataset.json`, { step: `tokenize/${t}`, output: "dataset.json" }])),
      ...Object.fromEntries(runs.map((step) => [`${step}:run.json`, { step, output: "run.json" }])),
    },
    outputs: ["results.json"],
    seconds: 0.1,
  });
  const results = { "results.json": { step: collect, output: "results.json" } };
  for (const table of TABLE_NAMES) {
    const outputs = TABLE_FORMATS.map((format) => `${table}.${format}`);
    declare("table", `table/${table}`, { parameters: { name: table }, inputs: results, outputs, seconds: 0.1 });
  }
  for (const figure of FIGURE_NAMES) {
    const outputs = FIGURE_FORMATS.map((format) => `${figure}.${format}`);
    declare("figure", `figure/${figure}`, {
      parameters: { name: figure },
      inputs: results,
      outputs,
      engine: "vega",
      seconds: 0.3,
    });
  }
  return steps;
}

/** Where the outputs of the steps go, by path below `results/<profile>/`. */
export function resultFiles(steps: readonly Step[]): ResultFiles {
  const folders: Readonly<Record<string, string>> = { table: "tables", figure: "figures" };
  return Object.fromEntries(
    steps.flatMap(({ name, kind, outputs }) => {
      const folder = folders[kind];
      return folder ? outputs.map((output) => [`${folder}/${output}`, { step: name, output }]) : [];
    }),
  );
}
