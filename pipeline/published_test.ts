import assert from "node:assert/strict";
import { PUBLISHED, publishedRow, publishedScore } from "./published.ts";

Deno.test("Published averages follow from the published scores, with the mean of accuracy and F1 for qqp", () => {
  for (const row of PUBLISHED) {
    const mnli = (row.mnli[0] + row.mnli[1]) / 2, qqp = (row.qqp[0] + row.qqp[1]) / 2;
    const mean = (mnli + row.sst2 + row.cola + qqp + row.qnli + row.rte + row.mrpc + row.stsb) / 8;
    const gap = Math.abs(mean - row.average);
    assert.ok(gap < 0.0101, `${row.method} ${row.size}: ${mean} is printed as ${row.average}`);
  }
});

Deno.test("publishedRow() tells the sizes of a method apart", () => {
  assert.equal(publishedRow("lora", 8)?.millions, 1.33);
  assert.equal(publishedRow("lora", 2)?.millions, 0.33);
  assert.equal(publishedRow("lora", 4), null);
  assert.equal(publishedRow("bitfit", null)?.average, 86.02);
  assert.equal(publishedRow("blora", 8), null);
});

Deno.test("publishedScore() follows our headline rule", () => {
  const lora = publishedRow("lora", 8);
  assert.ok(lora);
  assert.equal(publishedScore(lora, "mnli"), 0.9067);
  assert.equal(publishedScore(lora, "qqp"), 0.9199);
  assert.equal(publishedScore(lora, "wnli"), null);
});
