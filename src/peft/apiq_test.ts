import assert from "node:assert/strict";
import { cpu, normal, runOnce } from "../engines/testing.ts";
import { roundToGroups } from "../quantization/grouped.ts";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import { truncatedSvd } from "../tensor/svd.ts";
import { calibrateProgram } from "../training/model.ts";
import { startingTensors } from "../training/start.ts";
import { nearestProduct } from "./apiq.ts";
import { adaptedModules } from "./method.ts";
import type { OuterProducts } from "./prepared_factors.ts";
import { batch, config, load, modelOf, weights } from "./testing.ts";

const N = 60, into = 12, out = 10, rank = 3;

/** Inputs that lie mostly in a few directions, as activations do. */
const raw = normal([N, into], 1, "inputs");
const X = float32([N, into], Array.from(raw.data, (x, at) => x * (at % into < 4 ? 3 : 0.1)));
const gram = float32(
  [into, into],
  Array.from({ length: into * into }, (_, at) => {
    let sum = 0;
    for (let n = 0; n < N; n++) sum += X.data[n * into + Math.floor(at / into)]! * X.data[n * into + at % into]!;
    return sum;
  }),
);
const W = normal([out, into], 0.3, "weights"), Q = roundToGroups(W, 2, into);
const R = float32([out, into], Array.from(W.data, (w, i) => w - Q.data[i]!));

/** || X (R - P)^T ||^2 */
function outputError(products: OuterProducts, inputs: HostTensor = X): number {
  let error = 0;
  for (let n = 0; n < N; n++) {
    for (let o = 0; o < out; o++) {
      let y = 0;
      for (let j = 0; j < into; j++) {
        const p = products.reduce((sum, { column, row }) => sum + column[o]! * row[j]!, 0);
        y += inputs.data[n * into + j]! * (R.data[o * into + j]! - p);
      }
      error += y * y;
    }
  }
  return error;
}

const found = nearestProduct(R, gram, rank), error = outputError(found);

Deno.test("nearestProduct() keeps the outputs better than the SVD of the weights' own error does", () => {
  const { left, values, right } = truncatedSvd(R, rank);
  const plain = values.map((value, k) => ({ column: left[k]!.map((x) => x * value), row: right[k]! }));
  assert.ok(error < 0.6 * outputError(plain), `${error} and ${outputError(plain)}`);
  assert.ok(outputError(plain) < outputError([]));
});

Deno.test("nearestProduct() is an optimum: no product of its rank close by does better", () => {
  for (let trial = 0; trial < 40; trial++) {
    const moved = found.map(({ column, row }, k) => {
      const shake = (v: Float64Array, part: string) => {
        const noise = normal([v.length], 0.02, `${part} ${trial} ${k}`).data;
        return v.map((x, i) => x * (1 + noise[i]!));
      };
      return { column: shake(column, "column"), row: shake(row, "row") };
    });
    // The damping moves the optimum by about its own size, a thousandth.
    assert.ok(outputError(moved) > error * (1 - 2e-3), `trial ${trial}`);
  }
});

Deno.test("calibration measures X^T X of every adapted matrix, on the backbone as it was", async () => {
  const model = modelOf("apiq", { rank: 2, target: "all6" });
  load(model, cpu, startingTensors(model, weights, 5, null));
  const [size, length] = batch.ids!.shape as [number, number];
  const seen = await runOnce(cpu, calibrateProgram(model, size, length), batch);
  cpu.clear();
  const sites = adaptedModules(config, "all6");
  assert.deepEqual(Object.keys(seen).sort(), sites.map(({ module }) => module).sort());
  for (const { module, into } of sites) {
    const { shape, data } = seen[module]!;
    assert.deepEqual(shape, [into, into]);
    for (let i = 0; i < into; i++) {
      assert.ok(data[i * into + i]! > 0);
      for (let j = 0; j < i; j++) assert.ok(Math.abs(data[i * into + j]! - data[j * into + i]!) < 1e-4);
    }
  }
});
