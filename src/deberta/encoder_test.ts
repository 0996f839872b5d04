import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { assertClose, normal } from "../engines/testing.ts";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import { initializeModel } from "../training/initialize.ts";
import { skew } from "./attention.ts";
import { type DebertaConfig, encoderShapes, headShapes } from "./config.ts";
import { affine, classify, encode, encodeFirst, firstRows, type Pass } from "./encoder.ts";

const config: DebertaConfig = {
  vocabulary: 30,
  hidden: 12,
  layers: 2,
  heads: 3,
  ffn: 20,
  maxPosition: 12,
  positionBuckets: 6,
  layerNormEps: 1e-7,
  hiddenDropout: 0.1,
  attentionDropout: 0.1,
};
/** Large weights, so that attention is far from uniform. */
const weights = initializeModel({ ...encoderShapes(config), ...headShapes(config, 2) }, 0.6, 7);

/** Runs a function of a pass over a batch of texts, padded to a length with the token 1. */
function run(
  texts: readonly number[][],
  length: number,
  apply: (pass: Pass, tokens: { ids: tf.Tensor; mask: tf.Tensor }) => tf.Tensor,
): HostTensor {
  tf.setBackend("cpu");
  const { shape, data } = tf.tidy(() => {
    const tensors = new Map(
      Object.entries(weights).map(([name, { data, shape }]) => [name, tf.tensor(data, shape.slice())]),
    );
    const pass: Pass = {
      config,
      weight: (name) => tensors.get(name)!,
      linear: (modules, x) => modules.map((module) => affine(pass, module, x)),
      afterSublayer: (_, h) => h,
      dropout: (_, x) => x,
    };
    const row = (text: readonly number[], fill: number) => Array.from({ length }, (_, i) => text[i] ?? fill);
    const ids = tf.tensor2d(texts.map((text) => row(text, 1)), [texts.length, length], "int32");
    const mask = tf.tensor2d(texts.map((text) => row(text.map(() => 1), 0)), [texts.length, length]);
    const y = apply(pass, { ids, mask });
    return { shape: y.shape, data: Float32Array.from(y.dataSync()) };
  });
  return float32(shape, data);
}

const logits = (texts: readonly number[][], length: number) =>
  run(texts, length, (pass, tokens) => classify(pass, encodeFirst(pass, tokens), 0));

const text = fc.array(fc.integer({ min: 2, max: 29 }), { minLength: 1, maxLength: 9 });
const close = { abs: 2e-5, rel: 2e-4 };

Deno.test("skew() picks by offset what a gather would", () => {
  for (const [groups, length] of [[1, 1], [2, 3], [3, 8]] as const) {
    const x = normal([groups, length, 2 * length]);
    tf.setBackend("cpu");
    const made = tf.tidy(() =>
      Float32Array.from(skew(tf.tensor3d(x.data as Float32Array, [groups, length, 2 * length])).dataSync())
    );
    const expected: number[] = [];
    for (let g = 0; g < groups; g++) {
      for (let i = 0; i < length; i++) {
        for (let j = 0; j < length; j++) expected.push(x.data[(g * length + i) * 2 * length + j - i + length - 1]!);
      }
    }
    assert.deepEqual([...made], expected);
  }
});

Deno.test("padding does not change what the encoder makes of a text", () => {
  fc.assert(
    fc.property(text, fc.nat(6), (words, extra) => {
      const alone = logits([words], words.length), padded = logits([words], words.length + extra);
      assertClose(padded, alone, "padded", close);
    }),
    { numRuns: 12 },
  );
});

Deno.test("the order of a batch does not matter, nor who else is in it", () => {
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      const row = ({ data }: HostTensor, i: number) => float32([2], [...data].slice(2 * i, 2 * i + 2));
      const [one, two] = [logits([a, b, c], 10), logits([c, a], 10)];
      assertClose(row(two, 0), row(one, 2), "the last as the first", close);
      assertClose(row(two, 1), row(one, 0), "the first as the last", close);
    }),
    { numRuns: 12 },
  );
});

Deno.test("what a text says, and in which order, does matter", () => {
  const far = (a: HostTensor, b: HostTensor) => assert.ok(Math.abs(a.data[0]! - b.data[0]!) > 1e-3);
  far(logits([[2, 3, 4, 5]], 4), logits([[2, 3, 4, 6]], 4));
  far(logits([[2, 3, 4, 5]], 4), logits([[2, 5, 4, 3]], 4));
});

Deno.test("encodeFirst() is the first row of encode()", () => {
  for (const texts of [[[2, 3, 4, 5, 6]], [[7], [8, 9, 10]], [[2, 3], [4, 5, 6, 7, 8, 9, 10, 11], [12]]]) {
    const length = Math.max(...texts.map((t) => t.length)) + 1;
    const whole = run(texts, length, (pass, tokens) => firstRows(encode(pass, tokens), texts.length));
    assertClose(run(texts, length, encodeFirst), whole, "first rows", close);
  }
});
