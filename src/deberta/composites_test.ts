import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { normal, spread } from "../engines/testing.ts";
import type { HostTensor } from "../tensor/host_tensor.ts";
import { gelu, layerNorm } from "./composites.ts";

type Apply = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Checks that two functions have the same values and the same gradients, TensorFlow.js differentiating the second. */
function assertSame(composite: Apply, primitives: Apply, inputs: readonly HostTensor[]): void {
  tf.setBackend("cpu");
  tf.tidy(() => {
    const given = inputs.map(({ data, shape }) => tf.tensor(data, shape.slice()));
    const weigh = (y: tf.Tensor) => tf.mul(y, tf.tensor(normal(y.shape, 1, "weights").data, y.shape));
    const [a, b] = [composite, primitives].map((f) => {
      const gradients = tf.grads((...xs: tf.Tensor[]) => tf.sum(weigh(f(...xs))))(given);
      return [f(...given), ...gradients].map((x) => [...x.dataSync()]);
    });
    a!.forEach((row, i) =>
      row.forEach((x, j) => {
        const y = b![i]![j]!;
        assert.ok(
          Math.abs(x - y) <= 2e-5 * (1 + Math.abs(y)),
          `${i === 0 ? "value" : `gradient ${i - 1}`} ${j}: ${x}, ${y}`,
        );
      })
    );
  });
}

Deno.test("layerNorm() has the values and gradients of its definition", () => {
  const epsilon = 1e-5;
  const definition: Apply = (x, gamma, beta) => {
    const centred = tf.sub(x!, tf.mean(x!, -1, true));
    const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
    return tf.add(tf.mul(tf.div(centred, deviation), gamma!), beta!);
  };
  for (const [n, d] of [[4, 6], [1, 8], [7, 2]] as const) {
    assertSame((x, g, b) => layerNorm(x!, g!, b!, epsilon), definition, [
      normal([n, d]),
      spread([d]),
      spread([d], 0.1),
    ]);
  }
});

Deno.test("gelu() is x Phi(x), values and gradients", () => {
  const definition: Apply = (x) => tf.mul(x!, tf.mul(0.5, tf.add(1, tf.erf(tf.div(x!, Math.SQRT2)))));
  for (const shape of [[5, 7], [3], []]) assertSame((x) => gelu(x!), definition, [normal(shape, 2)]);
});
