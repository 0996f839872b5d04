/** Works out what a training step of each method takes, from its graph. */
import { optimize } from "../../src/compile/compile.ts";
import { multiplyAccumulates, peakBytes } from "../../src/compile/cost.ts";
import { takeLongWays } from "../../src/compile/passes/shortcuts.ts";
import type { DebertaConfig } from "../../src/deberta/config.ts";
import { traceProgram } from "../../src/engines/compiled.ts";
import type { Json, StepRunner } from "../../src/graph/step.ts";
import { attachMethod, parseOptions } from "../../src/peft/registry.ts";
import { sizeOf } from "../../src/tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "../../src/training/adamw.ts";
import { fineTuneProgram, hostTableBytes, trainablesOf } from "../../src/training/model.ts";
import type { ResourceRow, Resources } from "../results.ts";
import { parametersOf, readJson, writeJson } from "./json.ts";

type Options = { readonly [option: string]: Json };

type ResourceParameters = {
  readonly methods: { readonly [method: string]: Options };
  readonly targets: readonly string[];
  readonly batch: number;
  readonly length: number;
};

export const run: StepRunner = async (context) => {
  const { methods, targets, batch, length } = parametersOf<ResourceParameters>(context);
  const config = await readJson<DebertaConfig>(context, "config.json"), rows: ResourceRow[] = [];

  const rowOf = (method: string, options: Options, target: string | null): ResourceRow => {
    const adapter = attachMethod(method, config, target === null ? options : { ...options, target });
    const model = { config, adapter, labels: 2, classifierDropout: 0.1, tableByRows: true };
    const own = trainablesOf({ ...model, trainsHead: [] });
    const program = fineTuneProgram(model, { ...ADAMW_DEFAULTS, maxNorm: 1 }, batch, length);
    const graph = takeLongWays(optimize(traceProgram(program).graph));
    return {
      method,
      target,
      parameters: own.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      macs: multiplyAccumulates(graph),
      bytes: peakBytes(graph) + hostTableBytes(model),
    };
  };

  for (const [method, options] of Object.entries(methods)) {
    const chooses = "target" in parseOptions(method, options);
    for (const target of chooses ? targets : [null]) rows.push(rowOf(method, options, target));
    context.progress(rows.length / (targets.length * Object.keys(methods).length));
  }
  writeJson(context, "resources.json", { batch, length, rows } satisfies Omit<Resources, "step">);
};
