import assert from "node:assert/strict";
import { InputError } from "./errors.ts";
import { codeOf, mendable } from "./io_errors.ts";

const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });

Deno.test("mendable() says that the disk is full, and what to do", () => {
  const error = mendable(full, 'Could not write "x"', "free some");
  assert.ok(error instanceof InputError);
  assert.equal(error.message, 'Could not write "x": the disk is full; free some');
});

Deno.test("mendable() leaves bugs as they are", () => {
  const bug = new TypeError("x is undefined");
  assert.equal(mendable(bug, "a", "b"), bug);
  assert.equal(mendable("text", "a", "b"), "text");
});

Deno.test("codeOf() believes the message more than a code that was put over it", () => {
  assert.equal(codeOf(Object.assign(new Error(full.message), { code: "EEXIST" })), "ENOSPC");
  assert.equal(codeOf(Object.assign(new Error("No such thing"), { code: "ENOENT" })), "ENOENT");
  assert.equal(codeOf(new Error("Plain")), "");
  assert.equal(codeOf(null), "");
});
