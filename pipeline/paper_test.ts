import assert from "node:assert/strict";
import { type TaskName, TASKS } from "../src/glue/tasks.ts";
import { ENGINE_NAMES } from "../src/engines/open.ts";
import { findSource, readSources } from "../src/fetch/sources.ts";
import { canonicalText } from "../src/graph/canonical.ts";
import { buildGraph, narrow } from "../src/graph/graph.ts";
import { attachMethod, parseOptions } from "../src/peft/registry.ts";
import { sizeOf } from "./analysis/sizes.ts";
import { contextOf } from "./cli/context.ts";
import { figuresOf } from "./figures/registry.ts";
import { MODULES } from "./kinds.ts";
import { downloadsOf, resultFiles } from "./paper.ts";
import { findProfile, PROFILE_NAMES } from "./profiles/registry.ts";
import { tablesOf } from "./tables/registry.ts";
import { tiny } from "./testing_profile.ts";

const profiles = [...PROFILE_NAMES.map(findProfile), tiny];
const stepsOf = async (profile: typeof tiny) => (await contextOf(profile, { results: "results" })).steps;

for (const profile of profiles) {
  const { name, tasks, methods, seeds, lengths, backbone, weights, epochs, control, recipes = {} } = profile;

  Deno.test(`paper() declares steps of ${name} that have unique names, known inputs and a module each`, async () => {
    const steps = await stepsOf(profile);
    assert.equal(buildGraph(steps).steps.size, steps.length);
    for (const { kind, parameters } of steps) {
      assert.ok((await Deno.stat(new URL(MODULES[kind]!))).isFile);
      canonicalText(parameters); // Refuses what cannot be part of a fingerprint.
    }
    assert.deepEqual(await stepsOf(profile), steps);
  });

  Deno.test(`paper() runs every method of ${name} on every task from every seed, and the control once per task`, async () => {
    const graph = buildGraph(await stepsOf(profile)),
      runs = [...graph.steps.keys()].filter((n) => n.startsWith("finetune/"));
    const expected = Object.keys(methods).flatMap((m) =>
      tasks.flatMap((t) => seeds.map((s) => `finetune/${m}/${t}/seed-${s}`))
    );
    const controls = control ? tasks.map((task) => `finetune/${control}-on-random/${task}/seed-${seeds[0]}`) : [];
    assert.deepEqual(runs.sort(), [...expected, ...controls].sort());
    const { extended, rankSweep } = profile, names = [...graph.steps.keys()];
    const family = Object.keys(extended?.methods ?? {}).length * (extended?.tasks ?? tasks).length *
      (extended?.seeds ?? seeds).length;
    assert.equal(names.filter((n) => n.startsWith("extended/")).length, family);
    const { targets = [], ranks = [], tasks: swept = [], seeds: sown = seeds } = rankSweep ?? {};
    const sweep = targets.length * ranks.length * swept.length * sown.length;
    assert.equal(names.filter((n) => n.startsWith("rank-sweep/")).length, sweep);
    // The main table is made of all of them, others of what they show.
    const behind = (target: string) =>
      [...narrow(graph, [target]).steps.values()].filter(({ kind }) => kind === "finetune").map(({ name }) => name)
        .sort();
    assert.deepEqual(runs.filter((run) => !behind("table/glue").includes(run)), []);
    assert.deepEqual(behind("table/datasets"), []);
    assert.deepEqual(behind("figure/rank-distribution"), runs.filter((run) => run.startsWith("finetune/blora/")));
    // The control must not see weights that were pre-trained.
    if (control) assert.ok(!narrow(graph, controls).steps.has("pretrain"));
    for (const run of controls) assert.ok(!("backbone.safetensors" in graph.steps.get(run)!.inputs));
  });

  Deno.test(`resultFiles() has a place for every table and figure of ${name}, and for nothing else`, async () => {
    const steps = await stepsOf(profile), files = resultFiles(steps);
    const expected = [
      "numbers.json",
      "report.html",
      ...tablesOf(profile).flatMap((table) =>
        ["md", "csv", "tex", "json"].map((format) => `tables/${table}.${format}`)
      ),
      ...figuresOf(profile).flatMap((figure) =>
        ["vl.json", "svg", "png", "csv"].map((format) => `figures/${figure}.${format}`)
      ),
    ];
    assert.deepEqual(Object.keys(files).sort(), expected.sort());
    for (const { step, output } of Object.values(files)) {
      assert.ok(steps.find(({ name }) => name === step)?.outputs.includes(output), `${step} has no ${output}`);
    }
  });

  Deno.test(`Profile ${name} names methods and options that exist, and agrees with itself`, () => {
    for (const [method, { options }] of Object.entries(methods)) {
      attachMethod(method, { ...backbone, vocabulary: 16 }, options);
    }
    for (const [method, others] of Object.entries(profile.sizes ?? {})) {
      assert.ok(method in methods, `${method} takes its settings from methods`);
      const found = [{}, ...others].map((size) =>
        sizeOf({ options: parseOptions(method, { ...methods[method]!.options, ...size }) })
      );
      assert.ok(!found.includes(null) && new Set(found).size === found.length, `${method} has the sizes ${found}`);
    }
    for (const [method, { options }] of Object.entries(profile.extended?.methods ?? {})) {
      attachMethod(method, { ...backbone, vocabulary: 16 }, options);
      assert.ok(!(method in methods), `${method} is in both tables`);
    }
    const others = [...profile.extended?.tasks ?? [], ...profile.rankSweep?.tasks ?? []];
    assert.ok(others.every((task) => tasks.includes(task)));
    assert.ok(!profile.rankSweep || "lora" in methods, "the rank sweep takes its settings from lora");
    assert.ok(control === undefined || control in methods, `the control ${control} is no method of the profile`);
    assert.deepEqual(Object.keys(epochs).sort(), tasks.toSorted());
    for (const allowed of [lengths, ...weights.kind === "pretrain" ? [weights.settings.lengths] : []]) {
      assert.deepEqual(allowed, allowed.toSorted((a, b) => a - b));
      // Texts are truncated to the last of `lengths`, those to pre-train on as well.
      assert.ok(allowed.at(-1)! >= lengths.at(-1)! && allowed.at(-1)! <= backbone.maxPosition);
    }
    for (const task of tasks) {
      const { maxLength, options = {} } = recipes[task] ?? {};
      assert.ok(maxLength === undefined || lengths.includes(maxLength), `${task} ends at no length of the profile`);
      for (const method of Object.keys(options)) {
        if (method in methods) attachMethod(method, { ...backbone, vocabulary: 16 }, options[method]);
      }
      for (const [method, { learningRate }] of Object.entries(methods)) {
        assert.ok(learningRate !== "recipe" || recipes[task], `${task} has no recipe to take ${method}'s rate from`);
      }
    }
    assert.equal(backbone.hidden % backbone.heads, 0);
    for (const list of [tasks, seeds, lengths]) assert.equal(new Set<unknown>(list).size, list.length);
    assert.ok(ENGINE_NAMES.includes(profile.engine));
  });

  Deno.test(`downloadsOf() names pinned sources for ${name}`, () => {
    const sources = readSources();
    for (const download of downloadsOf(profile)) assert.notEqual(findSource(sources, download).sha256, null, download);
  });
}

Deno.test("The budgets of AdaLoRA in profile paper fit into runs as long as theirs", async () => {
  const runs = (await stepsOf(findProfile("paper"))).filter(({ name }) => /^(finetune|sizes)\/adalora/.test(name));
  for (const { name, parameters } of runs) {
    const { task, options, settings } = parameters as unknown as {
      task: TaskName;
      options: Record<string, number>;
      settings: { batch: number; epochs: number };
    };
    const { tInit, tFinal, deltaT } = options,
      steps = Math.ceil(TASKS[task].official.train / settings.batch) * settings.epochs;
    assert.ok(Number.isInteger(tInit) && Number.isInteger(tFinal) && Number.isInteger(deltaT), name);
    assert.ok(tInit! + tFinal! < steps, `${name} has ${steps} steps`);
  }
  assert.equal(runs.length, 3 * 40);
});

Deno.test("A task's recipe takes the place of the profile's settings and of no other task's", async () => {
  const cola = { learningRate: 7e-3, maxLength: 16, warmupSteps: 3, options: { lora: { alpha: 4 } } };
  const recipes = { cola, stsb: { learningRate: 6e-3 } };
  const steps = await stepsOf({
    ...tiny,
    methods: { lora: { learningRate: "recipe", options: { rank: 2 } } },
    recipes,
  });
  const parametersOf = (task: string) =>
    steps.find(({ name }) => name === `finetune/lora/${task}/seed-0`)!.parameters as unknown as {
      options: unknown;
      warmupSteps?: number;
      warmupShare: number;
      settings: { learningRate: number; lengths: number[] };
    };
  const { options, settings: { learningRate, lengths }, warmupSteps } = parametersOf("cola");
  assert.deepEqual([options, learningRate, lengths, warmupSteps], [{ rank: 2, alpha: 4 }, 7e-3, [16], 3]);
  const other = parametersOf("stsb");
  assert.deepEqual([other.options, other.settings.learningRate, other.settings.lengths], [{ rank: 2 }, 6e-3, [16, 28]]);
  assert.deepEqual([other.warmupSteps, other.warmupShare], [undefined, tiny.finetune.warmupShare]);
});

Deno.test("paper() leaves out the tables and figures that a profile has no runs for", async () => {
  const { extended: _, rankSweep: __, ...rest } = tiny, { lora } = tiny.methods;
  const steps = await stepsOf({ ...rest, methods: { lora: lora! } });
  const outputs = steps.map(({ name }) => name).filter((name) => /^(table|figure)\//.test(name)).sort();
  assert.deepEqual(
    outputs,
    ["baselines", "bops", "datasets", "glue", "resources", "subspace"].map((t) => `table/${t}`),
  );
  const withAdalora = await stepsOf({ ...rest, tasks: ["cola", "mnli"], methods: { lora: lora!, adalora: lora! } });
  assert.ok(withAdalora.some(({ name }) => name === "figure/adalora-ranks"));
});

Deno.test("PROFILE_NAMES are the names of the files of the profiles", async () => {
  const files: string[] = [];
  for await (const { name } of Deno.readDir(new URL("./profiles", import.meta.url))) files.push(name);
  const others = ["checkpoints.ts", "profile.ts", "recipes.ts", "registry.ts"];
  const names = files.filter((file) => !others.includes(file)).map((file) =>
    file.replace(/\.ts$/, "").replaceAll("_", "-")
  );
  assert.deepEqual(names.sort(), PROFILE_NAMES.toSorted());
});
