/** `glue-metrics`: each case gives predictions, references and what scikit-learn or SciPy make of them. */
import { z } from "zod";
import { accuracy, f1, matthews, pearson, spearman, type Values } from "../../glue/metrics.ts";
import { InputError } from "../../errors.ts";
import type { Checker } from "../checker.ts";

type Metric = (predictions: Values, references: Values) => number;

const mean = (first: Metric, second: Metric): Metric => (p, r) => (first(p, r) + second(p, r)) / 2;

const METRICS: Readonly<Record<string, Metric>> = {
  accuracy,
  f1,
  matthews,
  pearson,
  spearman,
  accuracy_f1_mean: mean(accuracy, f1),
  combined: mean(pearson, spearman),
};

const Numbers = z.array(z.number());
/** null where the library raises an exception. */
const Expected = z.record(z.string(), z.union([z.number(), z.literal("NaN"), z.null()]));
const MetricCase = z.object({ id: z.string(), predictions: Numbers, references: Numbers, expected: Expected });

export const check: Checker = (fixture, report) => {
  for (const raw of fixture.cases) {
    const parsed = MetricCase.safeParse(raw);
    if (!parsed.success) {
      throw new InputError(`Cannot check "${fixture.folder}": case "${raw.id}" is not one of metrics`);
    }
    const { id, predictions, references, expected } = parsed.data;
    const got = Object.keys(expected).map((name) => [name, compute(METRICS[name], predictions, references)]);
    const numbers = Object.entries(expected).map(([name, value]) => [name, value === "NaN" ? NaN : value]);
    report.value(`cases[${id}]`, Object.fromEntries(got), Object.fromEntries(numbers));
  }
};

/** The metric, null where it refuses its input, undefined where there is none of that name. */
function compute(metric: Metric | undefined, predictions: number[], references: number[]): number | null | undefined {
  try {
    return metric?.(predictions, references);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
