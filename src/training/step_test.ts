import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { assertClose, compiled, cpu } from "../engines/testing.ts";
import { float32 } from "../tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "./adamw.ts";
import { layOut } from "./layout.ts";
import { freshState, type Optimizer, stateRegisters, stepFeeds, trainProgram } from "./step.ts";

const layout = layOut([
  { name: "a", shape: [2], group: "weights" },
  { name: "b", shape: [1], group: "weights" },
  { name: "c", shape: [], group: "gates" },
]);
const rates = { weights: { lr: 0.1, weightDecay: 0.1 }, gates: { lr: 0.5, weightDecay: 0 } };
const start = { weights: Float32Array.of(3, -2, 1), gates: Float32Array.of(0.5) };

/** sum (x - a)^2 + b^2 + c. */
const program = (maxNorm: number | null) =>
  trainProgram({
    name: "quadratic",
    inputs: { x: { dtype: "float32", shape: [2] } },
    layout,
    optimizer: { ...ADAMW_DEFAULTS, maxNorm },
    loss: ({ a, b, c }, { x }) => tf.add(tf.add(tf.sum(tf.squaredDifference(x!, a!)), tf.sum(tf.square(b!))), c!),
  });

/** The same, written out in double precision. */
function reference(steps: number, maxNorm: number | null) {
  const p = [3, -2, 1, 0.5],
    m = [0, 0, 0, 0],
    v = [0, 0, 0, 0],
    x = [1, 1],
    losses: number[] = [],
    norms: number[] = [];
  for (let t = 1; t <= steps; t++) {
    losses.push((x[0]! - p[0]!) ** 2 + (x[1]! - p[1]!) ** 2 + p[2]! ** 2 + p[3]!);
    const g = [2 * (p[0]! - x[0]!), 2 * (p[1]! - x[1]!), 2 * p[2]!, 1];
    const norm = Math.sqrt(g.reduce((sum, y) => sum + y * y, 0));
    norms.push(norm);
    const scale = maxNorm === null ? 1 : Math.min(1, maxNorm / (norm + 1e-6));
    g.forEach((raw, i) => {
      const { lr, weightDecay } = i < 3 ? rates.weights : rates.gates, y = raw * scale;
      m[i] = 0.9 * m[i]! + 0.1 * y;
      v[i] = 0.999 * v[i]! + 0.001 * y * y;
      p[i] = p[i]! * (1 - lr * weightDecay) -
        lr * m[i]! / (1 - 0.9 ** t) / (Math.sqrt(v[i]! / (1 - 0.999 ** t)) + 1e-8);
    });
  }
  return { losses, norms, p };
}

for (const { name, device } of [{ name: "cpu", device: cpu }, ...compiled]) {
  for (const maxNorm of [null, 0.5]) {
    Deno.test(`${name}: a training step is loss, gradient, ${maxNorm === null ? "no clipping" : "clipping"} and AdamW`, async () => {
      device.clear();
      device.write(freshState(start));
      const executable = await device.load(program(maxNorm)), expected = reference(5, maxNorm);
      const optimizer: Optimizer = { ...ADAMW_DEFAULTS, maxNorm };
      for (let t = 1; t <= 5; t++) {
        const made = await executable.run({ x: float32([2], [1, 1]), ...stepFeeds(layout, rates, t, optimizer) });
        assert.deepEqual(Object.keys(made), maxNorm === null ? ["loss"] : ["loss", "norm"]);
        if (made.norm) assertClose(made.norm, float32([], [expected.norms[t - 1]!]), "norm before clipping");
        assertClose(made.loss, float32([], [expected.losses[t - 1]!]), `loss ${t}`, { abs: 1e-5, rel: 1e-5 });
      }
      const names = [stateRegisters("weights").p, stateRegisters("gates").p];
      const p = names.flatMap((register) => [...device.read(register).data]);
      assertClose(float32([4], p), float32([4], expected.p), "parameters", { abs: 1e-5, rel: 1e-5 });
      await executable.dispose();
      device.clear();
    });
  }
}

Deno.test("stepFeeds() names a group without a learning rate", () => {
  assert.throws(
    () => stepFeeds(layout, { weights: rates.weights }, 1, ADAMW_DEFAULTS),
    /^Error: No learning rate was given for the parameter group "gates"$/,
  );
});
