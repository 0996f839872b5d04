/** What a training step of each method takes, for two choices of adapted matrices. */
import type { Table } from "../../src/render/table.ts";
import { describeShape } from "../../src/bops/shape.ts";
import { methodTitle } from "../analysis/names.ts";
import type { Results } from "../results.ts";

const TARGET_TITLES: Readonly<Record<string, string>> = { qv: "query and value only", all6: "all linear modules" };

/** @throws Error for results of a profile without the step that counts */
export function resources(results: Results): Table {
  const { resources } = results;
  if (!resources) throw new Error("These results were collected without the counts of resources");
  const { step, batch, length, rows } = resources;
  return {
    name: "resources",
    title: `Resources of a training step, profile ${results.profile}`,
    caption:
      "Trainable parameters without the head; multiply-accumulates of all matrix products of one training step, forward and " +
      "backward; the most bytes that weights, optimizer state and intermediate results take up together, with word embeddings " +
      "that train counted whole, although a step reads few of their rows. Both are worked out " +
      `from the step's graph for a batch of ${batch} examples of ${length} tokens, so they are the same on every machine. ` +
      "Measured times and memory differ from run to run and stand in no result: deno task bench prints them, with --target " +
      `for the adapted matrices. Shape: ${describeShape(results.shape)}.`,
    notes: ["Methods without a choice of matrices have one row, marked as theirs."],
    columns: [
      { key: "method", title: "Method" },
      { key: "modules", title: "Adapted" },
      { key: "parameters", title: "Parameters", unit: "k", factor: 1e-3, decimals: 2, align: "right" },
      { key: "macs", title: "Products", unit: "M MACs", factor: 1e-6, decimals: 1, align: "right" },
      { key: "bytes", title: "Memory", unit: "MB", factor: 1e-6, decimals: 2, align: "right" },
    ],
    sections: [{
      rows: rows.map(({ method, target, parameters, macs, bytes }) => ({
        method: methodTitle(results, method),
        modules: target === null ? "the method's own" : TARGET_TITLES[target] ?? target,
        parameters,
        macs,
        bytes,
      })),
      sources: () => [step],
    }],
  };
}
