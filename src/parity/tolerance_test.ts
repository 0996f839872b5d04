import assert from "node:assert/strict";
import type { Fixture } from "./fixture.ts";
import { toleranceFor } from "./tolerance.ts";

const own = { abs: 1, rel: 1 }, grads = { abs: 2, rel: 2, rule: "max-norm" }, loss = { abs: 3, rel: 3 };
const fixture: Fixture = {
  folder: "f",
  kind: "k",
  config: {},
  tolerance: own,
  toleranceByGroup: {
    "loss, task_loss": loss,
    grads,
    "expected.adam_m.*, expected.adam_v.*": { abs: 4, rel: 4 },
    "expected.rel_pos_buckets": "exact",
    "bits, rank, test gates": "exact",
  },
  expectedKeys: ["x"],
  scalars: {},
  cases: [],
  tensors: {},
  texts: {},
};

Deno.test("toleranceFor() knows a group by its word, key, pattern, or as the gradients", () => {
  const table: [string, string, unknown][] = [
    ["expected.logits", "expected.logits", own],
    ["expected.rel_pos_buckets", "expected.rel_pos_buckets", "exact"],
    ["expected.adam_v.classifier.weight", "expected.adam_v.classifier.weight", { abs: 4, rel: 4 }],
    ["expected.adam_w.classifier.weight", "expected.adam_w.classifier.weight", own],
    ["grad.classifier.weight", "grad.classifier.weight", grads],
    ["scalars.expected.loss", "scalars.expected.loss", loss],
    ["scalars.steps", "scalars.steps[3].task_loss", loss],
    ["scalars.steps", "scalars.steps[3].lr", own],
    ["scalars.steps", "scalars.steps[3].rank.layer.0[1]", "exact"],
    ["scalars.expected.lossless", "scalars.expected.lossless", own],
  ];
  for (const [key, path, tolerance] of table) assert.deepEqual(toleranceFor(fixture, key, path), tolerance, path);
});

Deno.test("toleranceFor() follows a checker that names the group, and refuses one that is not there", () => {
  assert.equal(toleranceFor(fixture, "cases[hc]", "cases[hc].mask", "test gates"), "exact");
  assert.throws(() => toleranceFor(fixture, "cases[hc]", "cases[hc].mask", "masks"), RangeError);
});
