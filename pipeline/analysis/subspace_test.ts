import assert from "node:assert/strict";
import { normal } from "../../src/engines/testing.ts";
import { Stream } from "../../src/random/stream.ts";
import { float32, type HostTensor } from "../../src/tensor/host_tensor.ts";
import { compareSubspaces, projectedNorm } from "./subspace.ts";

const close = (a: number, b: number, tolerance = 1e-5) =>
  assert.ok(Math.abs(a - b) <= tolerance * (1 + b), `${a}, ${b}`);

/** Diagonal [4, 4]. */
const diagonal = (...values: number[]): HostTensor =>
  float32([4, 4], Array.from({ length: 16 }, (_, i) => i % 5 === 0 ? values[i / 5]! : 0));
/** The unit vectors of some axes, as rows. */
const axes = (...at: number[]): HostTensor =>
  float32([at.length, 4], at.flatMap((a) => [0, 1, 2, 3].map((i) => i === a ? 1 : 0)));
const transposed = ({ shape: [rows, columns], data }: HostTensor): HostTensor =>
  float32(
    [columns!, rows!],
    Array.from({ length: rows! * columns! }, (_, i) => data[(i % rows!) * columns! + Math.floor(i / rows!)]!),
  );

Deno.test("compareSubspaces() of a diagonal weight and an update along two of its axes is what is on those axes", () => {
  const A = axes(2, 3),
    found = compareSubspaces(diagonal(5, 4, 3, 0.5), { A, B: transposed(A), scale: 2 }, new Stream(1));
  close(found.update, Math.sqrt(9 + 0.25));
  close(found.weight, Math.sqrt(25 + 16));
  close(found.updateNorm, Math.sqrt(4 + 4));
  close(found.weightNorm, Math.sqrt(25 + 16 + 9 + 0.25));
  assert.equal(found.rank, 2);
});

Deno.test("compareSubspaces() finds no directions that hold more of a weight than its own", () => {
  const W = normal([12, 9], 1, "W"), A = normal([3, 9], 1, "A"), B = normal([12, 3], 1, "B");
  const { update, weight, random, weightNorm } = compareSubspaces(W, { A, B, scale: 1 }, new Stream(2));
  assert.ok(update < weight && random < weight && weight < weightNorm);
});

Deno.test("projectedNorm() with all directions of a weight is its norm", () => {
  const W = normal([4, 4], 1, "all"), all = [0, 1, 2, 3].map((a) => Float64Array.from(axes(a).data));
  close(projectedNorm(W, { left: all, right: all }), Math.hypot(...W.data));
});
