import assert from "node:assert/strict";
import fc from "fast-check";
import * as metrics from "./metrics.ts";
import { TASK_NAMES, TASKS } from "./tasks.ts";

interface Case {
  readonly id: string;
  readonly predictions: number[];
  readonly references: number[];
  readonly expected: Record<string, number | "NaN" | null>;
}

const fixture = new URL("../../testdata/glue-metrics/fixture.json", import.meta.url);
const { cases, tolerance } = JSON.parse(Deno.readTextFileSync(fixture)) as {
  cases: Case[];
  tolerance: { abs: number; rel: number };
};
const named = {
  accuracy: metrics.accuracy,
  f1: metrics.f1,
  matthews: metrics.matthews,
  pearson: metrics.pearson,
  spearman: metrics.spearman,
};

for (const { id, predictions, references, expected } of cases) {
  Deno.test(`metrics agree with scikit-learn and SciPy on ${id}`, () => {
    for (const [name, metric] of Object.entries(named)) {
      const want = expected[name];
      if (want === undefined) continue;
      if (want === null) assert.throws(() => metric(predictions, references), RangeError);
      else if (want === "NaN") assert.equal(metric(predictions, references), NaN);
      else {
        const got = metric(predictions, references);
        assert(Math.abs(got - want) <= tolerance.abs + tolerance.rel * Math.abs(want), `${name}: ${got}, not ${want}`);
      }
    }
  });
}

Deno.test("every metric refuses no predictions, and other predictions than references in number", () => {
  for (const metric of Object.values(named)) {
    assert.throws(() => metric([], []), /no predictions/);
    assert.throws(() => metric([1, 0], [1]), /"2" predictions, expected one for each of 1/);
  }
});

Deno.test("ranks() do not change under an increasing map, and sum to n (n + 1) / 2", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1 }), (values) => {
    const ranked = metrics.ranks(values);
    assert.deepEqual(ranked, metrics.ranks(values.map((v) => v ** 3 + 7)));
    assert.equal(ranked.reduce((a, b) => a + b, 0), values.length * (values.length + 1) / 2);
  }));
});

Deno.test("scoreTask() gives each task its metrics, and headline() their mean", () => {
  const p = [1, 0, 1, 1], r = [1, 0, 0, 1];
  for (const name of TASK_NAMES) {
    const both = { dev: p, matched: p, mismatched: r }, truth = { dev: r, matched: r, mismatched: r };
    const scores = metrics.scoreTask(name, both, truth);
    assert.deepEqual(Object.keys(scores), TASKS[name].metrics);
  }
  assert.equal(metrics.headline("mnli", { accuracy: 0.75, "accuracy-mismatched": 1 }), 0.875);
  assert.equal(metrics.headline("mrpc", { accuracy: 0.75, f1: 0.8 }), 0.75);
  assert.equal(metrics.headline("cola", { matthews: 0.5 }), 0.5);
  assert.throws(() => metrics.scoreTask("mnli", { matched: p }, { matched: r }), /no split "mismatched"/);
});

Deno.test("headline() counts the correlation of a constant regressor as 0", () => {
  const scores = metrics.scoreTask("stsb", { dev: [2, 2, 2] }, { dev: [0, 1, 5] });
  assert.equal(scores.pearson, NaN);
  assert.equal(metrics.headline("stsb", scores), 0);
});

Deno.test("majorityScore() answers with the training set's most frequent label", () => {
  const of = (...labels: number[]) => labels.map((label) => ({ a: "x", label }));
  assert.equal(metrics.majorityScore("rte", { train: of(1, 1, 0), dev: { dev: of(1, 0, 0, 0) } }), 0.25);
  assert.equal(metrics.majorityScore("cola", { train: of(1, 1, 0), dev: { dev: of(1, 0) } }), 0);
  assert.equal(metrics.majorityScore("stsb", { train: of(1, 5), dev: { dev: of(1, 0) } }), 0);
});
