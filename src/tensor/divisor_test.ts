import assert from "node:assert/strict";
import { powerOfTwoDivisor } from "./divisor.ts";

Deno.test("powerOfTwoDivisor() is the largest power of two that divides a number, up to a limit", () => {
  for (const [n, most, expected] of [[96, 64, 32], [4096, 64, 64], [7, 64, 1], [6, 1, 1], [1, 32, 1]] as const) {
    assert.equal(powerOfTwoDivisor(n, most), expected, `${n}, at most ${most}`);
  }
});
