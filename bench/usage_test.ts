import assert from "node:assert/strict";
import { UsageError } from "../src/errors.ts";
import { kindOf } from "./usage.ts";

Deno.test("kindOf() finds what is to be measured", () => {
  assert.equal(kindOf([]), "rows");
  assert.equal(kindOf(["threads", "verbose"]), "rows");
  assert.equal(kindOf(["rounds", "peers", "save"]), "peers");
  assert.equal(kindOf(["method", "against", "shape"]), "against");
});

Deno.test("kindOf() refuses two kinds, and options that would do nothing", () => {
  const refused: [string[], RegExp][] = [
    [["peers", "epoch"], /^Cannot measure both --peers and --epoch: choose one$/],
    [["rounds"], /^--rounds does nothing without --peers, --epoch or --scaling: leave it out$/],
    [["task"], /^--task does nothing without --epoch: leave it out$/],
    [["against", "rounds"], /^--rounds does nothing without --peers, --epoch or --scaling: leave it out$/],
    [["scaling", "mirror"], /^--mirror does nothing without --epoch: leave it out$/],
    [["scaling", "method"], /^--method does nothing with --scaling: leave it out$/],
  ];
  for (const [given, message] of refused) {
    assert.throws(() => kindOf(given), (error) => error instanceof UsageError && message.test(error.message));
  }
});
