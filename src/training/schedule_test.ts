import assert from "node:assert/strict";
import fc from "fast-check";
import { linearSchedule } from "./schedule.ts";

Deno.test("linearSchedule() rises from 0 to 1 over the warm-up, then falls to 0", () => {
  const factors = Array.from({ length: 11 }, (_, step) => linearSchedule(step, { warmup: 2, total: 10 }));
  assert.deepEqual(factors, [0, 0.5, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8, 0]);
});

Deno.test("linearSchedule() stays within [0, 1], whatever the warm-up, and never rises after it", () => {
  fc.assert(fc.property(fc.nat(50), fc.integer({ min: 1, max: 50 }), fc.nat(120), (warmup, total, step) => {
    const factor = linearSchedule(step, { warmup, total });
    assert.ok(factor >= 0 && factor <= 1);
    if (step >= warmup) assert.ok(linearSchedule(step + 1, { warmup, total }) <= factor);
  }));
  assert.equal(linearSchedule(0, { warmup: 0, total: 4 }), 1);
});
