import assert from "node:assert/strict";
import { InputError } from "../errors.ts";
import { assertClose, normal } from "../engines/testing.ts";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import { startingTensors } from "../training/start.ts";
import { attachMethod } from "./registry.ts";
import { config, modelOf, weights } from "./testing.ts";

/** Numbers of the query and value matrices of both layers. */
const D = 4 * 64;

/** The update of all matrices for some theta, one after the other: P theta. */
function projected(dimension: number, seed: number, theta: HostTensor): number[] {
  const model = modelOf("intrinsic", { dimension, target: "qv" }), start = startingTensors(model, weights, seed, {});
  const zeros = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, float32(shape)]));
  const merged = model.adapter.merge!(zeros, { ...start, "intrinsic.theta": theta });
  return Object.values(merged).flatMap(({ data }) => Array.from(data));
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
const unitVector = (dimension: number, at: number) =>
  float32([dimension], Array.from({ length: dimension }, (_, i) => i === at ? 1 : 0));

Deno.test("the columns of the projection are orthogonal and of equal length, made of signs", () => {
  const dimension = 16,
    columns = Array.from({ length: dimension }, (_, i) => projected(dimension, 1, unitVector(dimension, i)));
  columns.forEach((a, i) => {
    assert.equal(a.length, D);
    assert.ok(a.every((x) => x === 0 || Math.abs(x) === 1));
    columns.forEach((b, j) => assert.equal(dot(a, b), i === j ? D / dimension : 0));
  });
  const theta = normal([dimension]),
    expected = columns[0]!.map((_, i) => {
      return columns.reduce((sum, column, k) => sum + column[i]! * theta.data[k]!, 0);
    });
  assertClose(float32([D], projected(dimension, 1, theta)), float32([D], expected), "P theta");
});

Deno.test("every run has the same subspace, so that theta can be loaded by itself", () => {
  const theta = float32([16], Array(16).fill(1));
  assert.deepEqual(projected(16, 1, theta), projected(16, 2, theta));
});

Deno.test("with as many numbers as the matrices have, every update can be reached", () => {
  const wanted = Array.from(normal([D]).data);
  const signs = projected(D, 3, float32([D], Array(D).fill(1)));
  assertClose(
    float32([D], projected(D, 3, float32([D], wanted.map((x, i) => x * signs[i]!)))),
    float32([D], wanted),
    "update",
  );
  assert.throws(() => attachMethod("intrinsic", config, { dimension: D + 1, target: "qv" }), (error) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /^Options of method "intrinsic": dimension: "257" .* expected at most 256$/);
    return true;
  });
});
