import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import "../engines/testing.ts";
import { adamw, ADAMW_DEFAULTS, clipByGlobalNorm, stepSizes } from "./adamw.ts";

const number = fc.double({ min: -5, max: 5, noNaN: true }).map(Math.fround);

function eager<T extends tf.TensorContainer>(run: () => T): T {
  tf.setBackend("cpu");
  return tf.tidy(run);
}

Deno.test("stepSizes() corrects the bias of both moments", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 100_000 }), (step) => {
    const { keep, rate, root } = stepSizes(1e-3, 0.01, step, ADAMW_DEFAULTS);
    assert.equal(keep, 1 - 1e-5);
    assert.ok(Math.abs(rate - 1e-3 / (1 - 0.9 ** step)) < 1e-12);
    assert.ok(Math.abs(root - Math.sqrt(1 - 0.999 ** step)) < 1e-12);
  }));
});

Deno.test("adamw() follows its definition over several steps", () => {
  const { beta1, beta2, epsilon } = ADAMW_DEFAULTS, lr = 0.01, decay = 0.1;
  fc.assert(fc.property(number, fc.array(number, { minLength: 1, maxLength: 6 }), (start, gradients) => {
    let [p, m, v] = [start, 0, 0];
    let state = [p, m, v];
    gradients.forEach((g, i) => {
      const t = i + 1;
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      p -= lr * decay * p;
      p -= lr * (m / (1 - beta1 ** t)) / (Math.sqrt(v / (1 - beta2 ** t)) + epsilon);
      const { keep, rate, root } = stepSizes(lr, decay, t, ADAMW_DEFAULTS);
      state = eager(() => {
        const [pt, mt, vt] = state.map((x) => tf.tensor1d([x]));
        const sizes = { keep: tf.scalar(keep), rate: tf.scalar(rate), root: tf.scalar(root) };
        const next = adamw({ p: pt!, m: mt!, v: vt! }, tf.tensor1d([g]), sizes, ADAMW_DEFAULTS);
        return [next.p, next.m, next.v].map((x) => x.dataSync()[0]!);
      });
    });
    [p, m, v].forEach((want, i) => assert.ok(Math.abs(state[i]! - want) <= 2e-5 * (1 + Math.abs(want))));
  }));
});

Deno.test("clipByGlobalNorm() shortens long gradients together and leaves short ones", () => {
  const clip = (maxNorm: number, ...gradients: number[][]) =>
    eager(() => clipByGlobalNorm(gradients.map((g) => tf.tensor1d(g)), maxNorm).clipped.map((g) => [...g.dataSync()]));
  clip(1, [3], [0, 4]).flat().forEach((g, i) => assert.ok(Math.abs(g - [0.6, 0, 0.8][i]!) < 1e-6));
  assert.deepEqual(clip(10, [3], [0, 4]), [[3], [0, 4]]);
  assert.deepEqual(clip(1, [0], [0, 0]), [[0], [0, 0]]);
});
