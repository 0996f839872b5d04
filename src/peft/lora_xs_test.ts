import assert from "node:assert/strict";
import { InputError } from "../errors.ts";
import { assertClose, normal } from "../engines/testing.ts";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import { startingTensors } from "../training/start.ts";
import { config, modelOf, weights } from "./testing.ts";
import { attachMethod } from "./registry.ts";

const rank = 3, alpha = 6, close = { abs: 1e-5, rel: 1e-5 };
const model = modelOf("lora-xs", { rank, alpha, target: "all6" }), start = startingTensors(model, weights, 1, {});
const modules = Object.keys(model.adapter.parameters).map((name) => name.replace(".lora_R.weight", ""));

/** X Y^T, element by element. */
function timesTransposed(X: HostTensor, Y: HostTensor): HostTensor {
  const [rows, inner] = X.shape as [number, number], columns = Y.shape[0]!;
  return float32(
    [rows, columns],
    Array.from({ length: rows * columns }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < inner; k++) {
        sum += X.data[Math.floor(i / columns) * inner + k]! * Y.data[i % columns * inner + k]!;
      }
      return sum;
    }),
  );
}

const transposed = ({ shape: [m, n], data }: HostTensor): HostTensor =>
  float32([n!, m!], Array.from({ length: m! * n! }, (_, i) => data[i % m! * n! + Math.floor(i / m!)]!));

Deno.test("the frozen factors are the leading singular directions of each weight", () => {
  assert.equal(modules.length, 12);
  for (const module of modules) {
    const W = weights[`${module}.weight`]!,
      A = start[`${module}.lora_A.weight`]!,
      B = start[`${module}.lora_B.weight`]!;
    const identity = float32([rank, rank], Array.from({ length: rank * rank }, (_, i) => i % (rank + 1) === 0 ? 1 : 0));
    assertClose(timesTransposed(A, A), identity, "A A^T", close);
    assertClose(timesTransposed(W, A), B, "W A^T = B", close);
    // U S and S^2: W^T B = A^T S^2, so the directions are singular ones; no direction outside is longer than the shortest.
    const squares = timesTransposed(transposed(B), transposed(B));
    const values = Array.from({ length: rank }, (_, i) => squares.data[i * (rank + 1)]!);
    const scaled = A.data.map((x, i) => x * values[Math.floor(i / A.shape[1]!)]!);
    assertClose(transposed(timesTransposed(transposed(W), transposed(B))), float32(A.shape, scaled), "W^T B", close);
    const rest = float32(
      W.shape,
      timesTransposed(B, transposed(A)).data.map((x, i) => W.data[i]! - x),
    );
    for (let trial = 0; trial < 20; trial++) {
      let v = normal([1, A.shape[1]!], 1, trial);
      for (let i = 0; i < 30; i++) v = unit(timesTransposed(transposed(timesTransposed(rest, v)), transposed(rest)));
      const image = squared(timesTransposed(rest, v));
      assert.ok(image <= values[rank - 1]! * (1 + 1e-5), `${image} > ${values[rank - 1]}`);
    }
  }
});

const squared = ({ data }: HostTensor): number => Array.from(data).reduce((sum, x) => sum + x * x, 0);

function unit(v: HostTensor): HostTensor {
  const length = Math.sqrt(squared(v));
  return float32(v.shape, Array.from(v.data, (x) => x / length));
}

Deno.test("with R as a multiple of the identity, the update is that multiple of the weight's leading part", () => {
  const identity = float32([rank, rank], Array.from({ length: rank * rank }, (_, i) => i % (rank + 1) === 0 ? 0.5 : 0));
  const tensors = { ...start, ...Object.fromEntries(modules.map((module) => [`${module}.lora_R.weight`, identity])) };
  const merged = model.adapter.merge!(weights, tensors);
  for (const module of modules) {
    const W = weights[`${module}.weight`]!,
      A = start[`${module}.lora_A.weight`]!,
      B = start[`${module}.lora_B.weight`]!;
    const leading = timesTransposed(B, transposed(A)).data;
    const expected = float32(W.shape, W.data.map((w, i) => w + alpha / rank * 0.5 * leading[i]!));
    assertClose(merged[`${module}.weight`], expected, module, close);
  }
});

Deno.test("only the square of the rank trains for each matrix, and more ranks than a matrix has are refused", () => {
  assert.ok(Object.values(model.adapter.parameters).every(({ shape }) => String(shape) === `${rank},${rank}`));
  const costs = model.adapter.costs!({});
  assert.deepEqual(costs.map(({ macsPerToken }) => macsPerToken), modules.map(() => rank * rank));
  assert.throws(() => attachMethod("lora-xs", config, { rank: 9 }), (error) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /^Options of method "lora-xs": rank: "9" .* at most 8$/);
    return true;
  });
});
