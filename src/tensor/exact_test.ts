import assert from "node:assert/strict";
import fc from "fast-check";
import { exactCosSin, exactExp } from "./exact.ts";

const near = (got: number, want: number, tolerance: number) =>
  assert.ok(Math.abs(got - want) <= tolerance, `${got}, expected ${want}`);

Deno.test("exactExp() is the exponential function up to rounding", () => {
  fc.assert(fc.property(fc.double({ min: -40, max: 40, noNaN: true }), (x) => {
    near(exactExp(x), Math.exp(x), 1e-12 * Math.exp(x));
  }));
  assert.equal(exactExp(0), 1);
});

Deno.test("exactCosSin() is cosine and sine up to rounding, and exact at zero", () => {
  fc.assert(fc.property(fc.double({ min: -100, max: 100, noNaN: true }), (x) => {
    const { cos, sin } = exactCosSin(x);
    near(cos, Math.cos(x), 1e-12);
    near(sin, Math.sin(x), 1e-12);
  }));
  assert.deepEqual(exactCosSin(0), { cos: 1, sin: 0 });
});

Deno.test("exactExp() and exactCosSin() refuse what is not a number", () => {
  for (const x of [NaN, Infinity, -Infinity]) {
    assert.throws(() => exactExp(x), /exactExp: ".*" is not a finite number/);
    assert.throws(() => exactCosSin(x), /exactCosSin: ".*" is not a finite number/);
  }
});
