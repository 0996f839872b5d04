import assert from "node:assert/strict";
import { interleave } from "./interleave.ts";

Deno.test("interleave() runs every side once per round, back and forth", () => {
  const turns = interleave(["a", "b", "c"], 3);
  assert.deepEqual(turns.map(({ side }) => side).join(""), "abccbaabc");
  assert.deepEqual(turns.map(({ round }) => round), [1, 1, 1, 2, 2, 2, 3, 3, 3]);
});
