/** Bit operations of every method in every scope. */
import { PARTS, SCOPES, sharesOf } from "../../src/bops/account.ts";
import { describeShape } from "../../src/bops/shape.ts";
import type { Column, Row, Section, Table } from "../../src/render/table.ts";
import { type BopsSummary, meanBops, overallBops } from "../analysis/bops.ts";
import { methodTitle, taskTitle } from "../analysis/names.ts";
import { methodsOf, provenance, sourcesOf, tasksOf } from "../analysis/runs.ts";
import type { Results } from "../results.ts";

const SCOPE_TITLES = {
  "adapter": "Adapter",
  "adapted-layers": "Adapted layers",
  "encoder": "Encoder",
  "model": "Model",
};

export function bops(results: Results): Table {
  return {
    name: "bops",
    title: `Bit operations per example, profile ${results.profile}`,
    caption:
      "Giga bit operations (MACs × weight bits × input bits) of one example at the task's mean length, from the " +
      "gates as trained; share of each weight in the adapted layers; bit operations saved against LoRA r = 8 in full " +
      `precision on the same matrices. Shape: ${describeShape(results.shape)}. ${provenance(results)}`,
    notes: [
      "Scopes, each containing the one before: adapter (A, E, B, other); adapted layers (with W0; the headline) [choice]; " +
      "encoder (all linear maps and attention products); model (with pooler and classifier).",
      "Adapters are counted beside W0, not merged into it; position projections count once per example, in the encoder; " +
      "the outputs of query, key and value enter the attention products at their bit width [choice].",
      "Methods without adapted matrices are counted on query, key and value in full precision. Other: products of a method " +
      "besides A, E and B, such as those of bottleneck adapters, prefixes and routers; virtual tokens lengthen the example.",
      "Mean over seeds; runs that diverged are left out. What is saved is a mean of the runs' ratios.",
    ],
    columns: COLUMNS,
    sections: sectionsOf(results),
  };
}

const COLUMNS: readonly Column[] = [
  { key: "method", title: "Method" },
  { key: "length", title: "Length", unit: "tokens", decimals: 1 },
  ...SCOPES.map((scope) => ({ key: scope, title: SCOPE_TITLES[scope], unit: "GBOPs", factor: 1e-9, decimals: 4 })),
  ...PARTS.map((part) => ({
    key: `share.${part}`,
    title: part === "other" ? "Other" : part,
    unit: "%",
    factor: 100,
    decimals: 1,
  })),
  ...SCOPES.map((scope) => ({
    key: `saved.${scope}`,
    title: `Saved, ${SCOPE_TITLES[scope].toLowerCase()}`,
    unit: "%",
    decimals: 1,
  })),
  ...SCOPES.map((scope) => ({
    key: `percent.${scope}`,
    title: `${SCOPE_TITLES[scope]} of LoRA`,
    unit: "%",
    printed: false,
  })),
];

/** All tasks together, then task by task: within a section the methods can be compared. */
function sectionsOf(results: Results): Section[] {
  const methods = methodsOf(results);
  const section = (title: string, read: (method: string) => BopsSummary | null, task?: string): Section => {
    const counted = methods.flatMap((method) => {
      const summary = read(method);
      return summary ? [{ method, summary }] : [];
    });
    return {
      title,
      rows: counted.map(({ method, summary }) => rowOf(methodTitle(results, method), summary)),
      sources: (row) => sourcesOf(results, counted[row]!.method, task ?? ""),
    };
  };
  return [
    section("Mean over tasks", (method) => overallBops(results, method)),
    ...tasksOf(results).map((task) => section(taskTitle(task), (method) => meanBops(results, method, task), task)),
  ];
}

function rowOf(method: string, summary: BopsSummary): Row {
  const shares = sharesOf(summary);
  return {
    method,
    length: summary.length,
    ...summary.scopes,
    ...Object.fromEntries(PARTS.map((part) => [`share.${part}`, shares[part]])),
    ...Object.fromEntries(SCOPES.map((scope) => [`saved.${scope}`, 100 - summary.percent[scope]])),
    ...Object.fromEntries(SCOPES.map((scope) => [`percent.${scope}`, summary.percent[scope]])),
  };
}
