/**
 * The paper's experiment as a declaration: what a profile computes, from which inputs, into which results.
 *
 * Data: generated or official files, tokenized. Backbone: pre-trained here, or a published checkpoint. Runs: every method on
 * every task from every seed, and one method on an untrained backbone as a control; methods at other sizes, the wider family and
 * LoRA's ranks where the profile asks for them.
 * Results: every table and figure that the profile has runs for, each from the records that it reads.
 */
import type { EngineName } from "../src/engines/open.ts";
import { officialFiles, plainFiles } from "../src/glue/task_files.ts";
import { type TaskName, TASKS } from "../src/glue/tasks.ts";
import type { ResultFiles } from "../src/graph/lock_file.ts";
import type { Input, Json, Step } from "../src/graph/step.ts";
import { FIGURE_FORMATS, TABLE_FORMATS } from "../src/render/formats.ts";
import { rowsAtOnce } from "../src/training/batches.ts";
import type { PretrainSettings } from "../src/training/pretrain.ts";
import { figureNamed, figuresOf } from "./figures/registry.ts";
import { EXAMPLES_PER_SECOND, type Kind, PRETRAINING_COST, RELATIVE_COST, VERSIONS } from "./kinds.ts";
import type { CommonSettings, MethodSettings, Profile, Recipe } from "./profiles/profile.ts";
import { reading, type Recorded } from "./records.ts";
import { tableNamed, tablesOf } from "./tables/registry.ts";

/** The presets of adapted matrices whose costs are compared: query and value only, and all linear modules. */
const COMPARED_TARGETS = ["qv", "all6"];

/** Downloaded inputs by the name they have in data/sources.json. */
export type Downloads = (name: string) => Input;

const SPM = "deberta-v3-base/spm.model";

/** A run's settings besides its learning rate and options. */
type Settings = CommonSettings & Pick<Recipe, "warmupSteps">;

/** The downloads that a profile needs. */
export function downloadsOf({ data, tasks, weights }: Profile): string[] {
  const checkpoint = weights.kind === "checkpoint" ? [weights.source] : [];
  return data.kind === "mini" ? checkpoint : [...tasks.flatMap(officialFiles), SPM, ...checkpoint];
}

/**
 * Every step of a profile.
 * @param slot the part of the machine that a step on the engine takes for itself, if any
 */
export function paper(profile: Profile, engine: EngineName, downloads: Downloads, slot?: string): Step[] {
  const { tasks, lengths, backbone, weights, methods, finetune, recipes = {}, data } = profile;
  const lengthsOf = (task: TaskName) => lengths.filter((length) => length <= (recipes[task]?.maxLength ?? Infinity));
  const examplesOf = (task: TaskName) => data.kind === "mini" ? data.train : TASKS[task].official.train;
  const maxLength = lengths.at(-1)!, trains = { engine, ...(slot && { slot }) };
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
        seconds: 0.15,
      });
    }
  }
  const vocabulary = declare("vocabulary", "vocabulary", {
    parameters: (weights.kind === "checkpoint" ? { size: weights.vocabulary, backbone } : { tasks, backbone }) as Json,
    inputs: weights.kind === "checkpoint" || !real ? spm : { ...spm, ...Object.assign({}, ...tasks.map(files)) },
    outputs: ["vocabulary.json", "config.json"],
    seconds: 0.3,
  });
  const config: Input = { step: vocabulary, output: "config.json" };
  const tokens: Record<string, Input> = { "vocabulary.json": { step: vocabulary, output: "vocabulary.json" }, ...spm };
  for (const task of tasks) {
    const source = data.kind === "mini" ? `MiniGLUE, seed ${data.seed}` : `GLUE, ${officialFiles(task)[0]}`;
    declare("tokenize", `tokenize/${task}`, {
      parameters: { task, maxLength: lengthsOf(task).at(-1)!, source },
      inputs: { ...tokens, ...files(task) },
      outputs: ["examples.json", "dataset.json"],
      seconds: examplesOf(task) / 30_000,
    });
  }

  // Backbone.
  const pretrained = (settings: PretrainSettings): Input => {
    const corpus = declare("corpus", "corpus", {
      parameters: data.kind === "mini" ? { seed: data.seed, count: data.corpus, maxLength } : { tasks },
      inputs: data.kind === "mini" ? tokens : Object.fromEntries(
        tasks.map((task) => [`${task}:examples.json`, { step: `tokenize/${task}`, output: "examples.json" }]),
      ),
      outputs: ["sequences.json"],
      seconds: 1.3,
    });
    const step = declare("pretrain", "pretrain", {
      parameters: { settings } as unknown as Json,
      inputs: { ...tokens, "config.json": config, "sequences.json": { step: corpus, output: "sequences.json" } },
      outputs: ["backbone.safetensors", "pretrain.json"],
      ...trains,
      seconds: PRETRAINING_COST * settings.steps * settings.batch / EXAMPLES_PER_SECOND,
    });
    return { step, output: "backbone.safetensors" };
  };
  const backboneFile = weights.kind === "pretrain" ? pretrained(weights.settings) : downloads(weights.source);
  const untrainedStd = weights.kind === "pretrain" ? weights.settings.std : weights.std;

  // Runs.
  const run = (
    name: string,
    [method, { learningRate, options }]: readonly [string, MethodSettings],
    task: TaskName,
    seed: number,
    start: "pretrained" | "random" = "pretrained",
  ): string => {
    const { learningRate: taskRate, options: taskOptions, maxLength: _, ...own } = recipes[task] ?? {};
    const { warmupShare, warmupSteps, classifierDropout, headStd, ...common } = { ...finetune, ...own } as Settings;
    const chosen = { ...options, ...taskOptions?.[method] };
    const rate = learningRate === "recipe" ? taskRate! : learningRate, epochs = profile.epochs[task]!;
    return declare("finetune", `${name}/${task}/seed-${seed}`, {
      parameters: {
        method,
        options: chosen,
        task,
        seed,
        backbone: start,
        settings: { ...common, learningRate: rate, epochs, lengths: lengthsOf(task) },
        warmupShare,
        ...(warmupSteps !== undefined && { warmupSteps }),
        classifierDropout,
        headStd,
        backboneStd: untrainedStd,
      },
      inputs: {
        "config.json": config,
        "examples.json": { step: `tokenize/${task}`, output: "examples.json" },
        "dataset.json": { step: `tokenize/${task}`, output: "dataset.json" },
        ...(start === "pretrained" && { "backbone.safetensors": backboneFile }),
      },
      outputs: ["run.json", "adapter_config.json", "adapter_model.safetensors"],
      ...trains,
      seconds: (RELATIVE_COST[method] ?? 1) * epochs * examplesOf(task) / EXAMPLES_PER_SECOND,
      affinity: JSON.stringify([method, classifierDropout, chosen]),
    });
  };
  const settingsOf = (method: string, others: MethodSettings["options"] = {}) => {
    const { learningRate, options } = methods[method]!;
    return [method, { learningRate, options: { ...options, ...others } }] as const;
  };
  const grid = (
    name: string,
    of: readonly [string, MethodSettings],
    on: readonly TaskName[],
    seeds: readonly number[],
  ) => on.flatMap((task) => seeds.map((seed) => run(name, of, task, seed)));
  const { extended, rankSweep, seeds, control } = profile;
  const runs = [
    ...Object.keys(methods).flatMap((method) => grid(`finetune/${method}`, settingsOf(method), tasks, seeds)),
    ...(control === undefined
      ? []
      : tasks.map((task) => run(`finetune/${control}-on-random`, settingsOf(control), task, seeds[0]!, "random"))),
  ];
  const sizes = Object.entries(profile.sizes ?? {}).flatMap(([method, others]) =>
    others.flatMap((size) =>
      grid(`sizes/${method}-${Object.values(size).join("-")}`, settingsOf(method, size), tasks, seeds)
    )
  );
  const family = Object.entries(extended?.methods ?? {}).flatMap((of) =>
    grid(`extended/${of[0]}`, of, extended!.tasks ?? tasks, extended!.seeds ?? seeds)
  );
  const sweep = (rankSweep?.targets ?? []).flatMap((target) =>
    rankSweep!.ranks.flatMap((rank) => {
      const of = settingsOf("lora", { rank, target });
      return grid(`rank-sweep/${target}-r${rank}`, of, rankSweep!.tasks, rankSweep!.seeds ?? seeds);
    })
  );

  // Analyses.
  const all = { ...methods, ...extended?.methods };
  const analyses: Record<string, Recorded["analyses"][string]> = {};
  if ("lora" in methods) {
    const step = `finetune/lora/${tasks[0]}/seed-${seeds[0]}`;
    const subspace = declare("subspace", `subspace/${tasks[0]}`, {
      parameters: { task: tasks[0]!, seed: seeds[0]! },
      inputs: {
        "config.json": config,
        "adapter_config.json": { step, output: "adapter_config.json" },
        "adapter_model.safetensors": { step, output: "adapter_model.safetensors" },
        "backbone.safetensors": backboneFile,
      },
      outputs: ["subspace.json"],
      seconds: 0.3,
    });
    analyses["subspace.json"] = { step: subspace, output: "subspace.json" };
  }
  const resources = declare("resources", "resources", {
    parameters: {
      methods: Object.fromEntries(Object.entries(all).map(([method, { options }]) => [method, options])),
      targets: COMPARED_TARGETS,
      batch: rowsAtOnce(finetune.batch, maxLength, finetune.tokensAtOnce),
      length: maxLength,
    },
    inputs: { "config.json": config },
    outputs: ["resources.json"],
    engine: "cpu", // Only traces: what decides the graph is the version of TensorFlow.js.
    seconds: Object.keys(all).length * 0.2,
  });
  analyses["resources.json"] = { step: resources, output: "resources.json" };

  // Results.
  const { name, backboneTitle, comparePublished } = profile;
  const recorded: Recorded = {
    facts: {
      profile: name,
      benchmark: real ? "GLUE" : "MiniGLUE",
      engine,
      backboneTitle,
      comparePublished,
      tasks,
      methods: Object.keys(all),
      runs,
      sizes,
      extended: family,
      rankSweep: sweep,
    },
    config,
    analyses,
  };
  const tables = tablesOf(profile), figures = figuresOf(profile);
  const tableReads = (table: string) => tableNamed(table).reads,
    figureReads = (figure: string) => figureNamed(figure).reads;
  for (const table of tables) {
    const { facts, inputs } = reading(recorded, tableReads(table));
    const outputs = TABLE_FORMATS.map((format) => `${table}.${format}`);
    declare("table", `table/${table}`, {
      parameters: { name: table, ...facts },
      inputs,
      outputs,
      engine: "text",
      seconds: 0.05,
    });
  }
  for (const figure of figures) {
    const { facts, inputs } = reading(recorded, figureReads(figure));
    const outputs = FIGURE_FORMATS.map((format) => `${figure}.${format}`);
    declare("figure", `figure/${figure}`, {
      parameters: { name: figure, ...facts },
      inputs,
      outputs,
      engine: "vega",
      seconds: 0.3,
    });
  }
  const { facts, inputs } = reading(recorded, [...tables.flatMap(tableReads), ...figures.flatMap(figureReads)]);
  declare("numbers", "numbers", {
    parameters: { tables, figures, ...facts },
    inputs,
    outputs: ["numbers.json"],
    seconds: 0.2,
  });
  const drawings = figures.map((name) => [`${name}.svg`, { step: `figure/${name}`, output: `${name}.svg` }]);
  declare("report", "report", {
    parameters: { tables, figures, ...facts },
    inputs: { ...inputs, ...Object.fromEntries(drawings) },
    outputs: ["report.html"],
    seconds: 0.2,
  });
  return steps;
}

/** Where the outputs of the steps go, by path below `results/<profile>/`. */
export function resultFiles(steps: readonly Step[]): ResultFiles {
  const folders: Readonly<Record<string, string>> = { table: "tables/", figure: "figures/", numbers: "", report: "" };
  return Object.fromEntries(
    steps.flatMap(({ name, kind, outputs }) => {
      const folder = folders[kind];
      return folder !== undefined ? outputs.map((output) => [`${folder}${output}`, { step: name, output }]) : [];
    }),
  );
}
