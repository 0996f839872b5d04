import assert from "node:assert/strict";
import type { Site } from "../../src/training/record.ts";
import type { Results, Run } from "../results.ts";
import { syntheticResults } from "../testing.ts";
import { claimsOf, together } from "./claims.ts";

/** The synthetic results with B-LoRA's runs changed. */
function withOurs(change: (run: Run) => Partial<Run>): Results {
  const results = syntheticResults({ tasks: ["cola", "mrpc", "rte"] });
  return {
    ...results,
    runs: results.runs.map((run) => run.method === "blora" ? { ...run, ...change(run) } : run),
  };
}

const verdictsOf = (results: Results) =>
  Object.fromEntries(claimsOf(results).map(({ key, verdict }) => [key, verdict]));
const everywhere = (change: (site: Site) => Partial<Site>) =>
  withOurs(({ sites }) => ({ sites: sites.map((site) => ({ ...site, ...change(site) })) }));
const scoring = (better: number) =>
  withOurs((run) => {
    const other = syntheticResults().runs.find(({ method, task, seed, backbone }) =>
      method === "lora" && task === run.task && seed === run.seed && backbone === "pretrained"
    )!;
    return { best: { ...run.best!, score: other.best!.score + better } };
  });

Deno.test("claimsOf() tells claims that hold from those that do not, on the same nine pairs", () => {
  const { W0: _, ...few } = { W0: 8, A: 2, B: 2 };
  const good = verdictsOf(everywhere(({ layer, matrix }) => ({
    rank: 1 + 2 * layer + (matrix === "value" ? 2 : 0),
    bits: { ...few, W0: matrix === "value" ? 8 : 4 },
  })));
  assert.deepEqual([good["1"], good["3"], good["4 rank"], good["4 bits"]], ["holds", "holds", "holds", "holds"]);
  const bad = verdictsOf(everywhere(({ layer, matrix }) => ({
    rank: 8 - 2 * layer - (matrix === "value" ? 2 : 0),
    bits: { W0: matrix === "value" ? 16 : 32 },
  })));
  assert.deepEqual([bad["1"], bad["3"], bad["4 rank"], bad["4 bits"]], Array(4).fill("does not hold"));
  assert.equal(verdictsOf(scoring(0.1))["2"], "holds");
  assert.equal(verdictsOf(scoring(-0.5))["2"], "does not hold");
});

Deno.test("claimsOf() takes the bit operations that LoRA would need as the measure of what is saved", () => {
  const [saving] = claimsOf(everywhere(() => ({ rank: 0, bits: { W0: 8 } })));
  // W0 at 8 x 32 bits, against W0 + 8 (n + m) in full precision, n = m = 64.
  assert.ok(Math.abs(saving!.measured! - 100 * (1 - 0.25 * 64 / (64 + 16))) < 1e-9);
  assert.equal(saving!.test.pairs, 9);
});

Deno.test("claimsOf() cannot tell where there are too few pairs, one seed, or one layer", () => {
  const results = syntheticResults({ tasks: ["cola"], layers: 1 }), one = results.runs.filter(({ seed }) => seed === 1);
  const claims = claimsOf({ ...results, runs: one });
  for (const { key, verdict } of claims) assert.equal(verdict, "cannot be told", key);
  assert.deepEqual(claims.map(({ key, mean }) => [key, mean === null]).filter(([, none]) => none), [["2", true], [
    "3",
    true,
  ]]);
});

Deno.test("together() needs every part to hold, and one that does not to deny", () => {
  const [claim] = claimsOf(syntheticResults());
  const of = (...verdicts: ("holds" | "does not hold" | "cannot be told")[]) =>
    together(verdicts.map((verdict) => ({ ...claim!, verdict })));
  assert.equal(of("holds", "holds"), "holds");
  assert.equal(of("holds", "cannot be told"), "cannot be told");
  assert.equal(of("cannot be told", "does not hold"), "does not hold");
});
