import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { InputError } from "../errors.ts";
import { assertClose, normal } from "../engines/testing.ts";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import { startingTensors } from "../training/start.ts";
import { attachMethod } from "./registry.ts";
import { config, modelOf, weights } from "./testing.ts";
import { hostMix, mix } from "./vb_lora.ts";

const upload = ({ data, shape }: HostTensor): tf.Tensor => tf.tensor(data, shape.slice());

/** Rows of distinct numbers. */
const rows = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 2, max: 7 })).chain(([G, h]) =>
  fc.tuple(
    fc.array(
      fc.uniqueArray(fc.integer({ min: -40, max: 40 }), { minLength: h, maxLength: h }),
      { minLength: G, maxLength: G },
    ).map((numbers) => float32([G, h], numbers.flat().map((x) => x / 10))),
    fc.integer({ min: 2, max: h }),
  )
);

/** The mixtures as the paper writes them: sort, keep, softmax over what is kept, weighted sum. */
function mixedByHand(logits: HostTensor, bank: HostTensor, topk: number): HostTensor {
  const [h, b] = bank.shape as [number, number], G = logits.shape[0]!;
  const made = Array.from({ length: G }, (_, g) => {
    const row = Array.from(logits.data.subarray(g * h, (g + 1) * h), (logit, i) => ({ logit, i }));
    const kept = row.sort((a, b) => b.logit - a.logit).slice(0, topk);
    const total = kept.reduce((sum, { logit }) => sum + Math.exp(logit), 0);
    return Array.from({ length: b }, (_, j) => {
      return kept.reduce((sum, { logit, i }) => sum + Math.exp(logit) / total * bank.data[i * b + j]!, 0);
    });
  });
  return float32([G, b], made.flat());
}

Deno.test("mix() is the softmax-weighted sum of the bank vectors with the largest logits, on the host too", () => {
  tf.setBackend("cpu");
  fc.assert(fc.property(rows, ([logits, topk]) => {
    const bank = normal([logits.shape[1]!, 3]), expected = mixedByHand(logits, bank, topk);
    const made = tf.tidy(() => Array.from(mix(upload(logits), upload(bank), topk).dataSync()));
    assertClose(float32(expected.shape, made), expected, "mix");
    assertClose(float32(expected.shape, hostMix(logits, bank, topk)), expected, "hostMix");
  }));
});

Deno.test("mix() has no gradient to the logits and bank vectors that it leaves out", () => {
  tf.setBackend("cpu");
  const logits = float32([2, 4], [0.3, 0.1, 0.2, -1, -1, 0.5, 0, -2]), bank = normal([4, 3]);
  const [toLogits, toBank] = tf.tidy(() => {
    const loss = (logits: tf.Tensor, bank: tf.Tensor) => tf.sum(tf.square(mix(logits, bank, 2)));
    return tf.grads(loss)([upload(logits), upload(bank)]).map((g) => Array.from(g.dataSync()));
  });
  assert.deepEqual(toLogits!.map((x) => x !== 0), [true, false, true, false, false, true, true, false]);
  assert.deepEqual([0, 1, 2, 3].map((i) => toBank!.slice(3 * i, 3 * i + 3).some((x) => x !== 0)), [
    true,
    true,
    true,
    false,
  ]);
});

Deno.test("one bank serves every factor of every matrix: a bank of equal numbers makes equal updates everywhere", () => {
  const rank = 2, model = modelOf("vb-lora", { rank, target: "all6" }), start = startingTensors(model, weights, 1, {});
  const bank = start.vblora_vector_bank!;
  const merged = model.adapter.merge!(weights, {
    ...start,
    vblora_vector_bank: float32(bank.shape, bank.data.map(() => 0.5)),
  });
  assert.equal(Object.keys(merged).length, 12);
  for (const [name, { shape, data }] of Object.entries(merged)) {
    // Weights of a mixture sum to 1, so every number of A and B is 0.5.
    assertClose(float32(shape, data), float32(shape, weights[name]!.data.map((w) => w + rank * 0.25)), name);
  }
});

Deno.test("vb-lora refuses a length that does not divide every width, and more vectors in a mixture than there are", () => {
  for (
    const [options, message] of [
      [{ vectorLength: 3 }, /^Options of method "vb-lora": vectorLength: "3" does not divide the width 8/],
      [{ vectors: 3, topk: 4 }, /^Options of method "vb-lora": topk: /],
    ] as const
  ) {
    assert.throws(() => attachMethod("vb-lora", config, options), (error) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, message);
      return true;
    });
  }
});
