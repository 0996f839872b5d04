import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { assertClose, normal } from "../engines/testing.ts";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import { initializeModel } from "../training/initialize.ts";
import { byPosition, skewOrders } from "./attention.ts";
import { type DebertaConfig, encoderShapes, headShapes } from "./config.ts";
import { affine, classify, encode, encodeFirst, firstRows, type Pass, type Tokens } from "./encoder.ts";
import { tokensFrom } from "./testing.ts";

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
  apply: (pass: Pass, tokens: Tokens) => tf.Tensor,
  packed = false,
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
    const mask = texts.map((text) => row(text.map(() => 1), 0));
    const y = apply(pass, tokensFrom(texts.map((text) => row(text, 1)), mask, packed));
    return { shape: y.shape, data: Float32Array.from(y.dataSync()) };
  });
  return float32(shape, data);
}

const logits = (texts: readonly number[][], length: number, packed = false) =>
  run(texts, length, (pass, tokens) => classify(pass, encodeFirst(pass, tokens), 0), packed);

const text = fc.array(fc.integer({ min: 2, max: 29 }), { minLength: 1, maxLength: 9 });
const close = { abs: 2e-5, rel: 2e-4 };

Deno.test("byPosition() multiplies each token with the relative row of each offset, in blocks where a text is long", () => {
  tf.setBackend("cpu");
  for (const [H, B, S, d] of [[1, 1, 1, 2], [2, 3, 8, 3], [1, 2, 33, 2], [2, 2, 64, 3], [1, 1, 96, 2]] as const) {
    const x = normal([H, B * S, d], 1, "x"),
      relative = normal([H, 2 * S + 1, d], 1, "relative"),
      expected: number[] = [];
    for (let row = 0; row < H * B * S; row++) {
      const h = Math.floor(row / (B * S)), i = row % S;
      for (let j = 0; j < S; j++) {
        let sum = 0;
        for (let k = 0; k < d; k++) sum += x.data[row * d + k]! * relative.data[(h * (2 * S + 1) + j - i + S) * d + k]!;
        expected.push(sum);
      }
    }
    const made = tf.tidy(() => {
      const [a, b] = [x, relative].map(({ data, shape }) => tf.tensor(data, shape.slice()));
      return Float32Array.from(byPosition(a!, b!, skewOrders(H * B, S)).dataSync());
    });
    assertClose(float32([H * B, S, S], made), float32([H * B, S, S], expected), `${S} tokens`, close);
  }
});

Deno.test("byPosition() has the gradients of its definition, in one block and in several", () => {
  tf.setBackend("cpu");
  for (const [H, B, S, d] of [[2, 2, 5, 3], [1, 2, 32, 2], [2, 1, 33, 2], [2, 2, 64, 3], [1, 1, 96, 2]] as const) {
    tf.tidy(() => {
      const tensor = ({ data, shape }: HostTensor) => tf.tensor(data, shape.slice());
      const x = tensor(normal([H, B * S, d], 1, "x")), relative = tensor(normal([H, 2 * S + 1, d], 1, "relative"));
      const weights = tensor(normal([H * B, S, S], 1, "weights"));
      const offsets = tf.tensor2d(Array.from({ length: S }, (_, i) => Array.from({ length: S }, (_, j) => j - i + S)));
      const definition = (x: tf.Tensor, relative: tf.Tensor) => {
        const rows = tf.gather(relative, tf.cast(offsets, "int32"), 1); // [H, S, S, d]
        const products = tf.mul(tf.reshape(x, [H, B, S, 1, d]), tf.reshape(rows, [H, 1, S, S, d]));
        return tf.reshape(tf.sum(products, -1), [H * B, S, S]);
      };
      const skew = skewOrders(H * B, S), ours = (x: tf.Tensor, relative: tf.Tensor) => byPosition(x, relative, skew);
      const [made, expected] = [ours, definition].map((f) => {
        const loss = (x: tf.Tensor, relative: tf.Tensor) => tf.sum(tf.mul(f(x, relative), weights));
        return tf.grads(loss)([x, relative]).map((g) => float32(g.shape, Float32Array.from(g.dataSync())));
      });
      made!.forEach((gradient, i) =>
        assertClose(gradient, expected![i]!, `gradient ${i} of ${S}`, { abs: 2e-4, rel: 2e-4 })
      );
    });
  }
});

Deno.test("a text comes out the same where padding has no rows, whoever else is in the batch", () => {
  fc.assert(
    fc.property(text, text, fc.constantFrom(12, 64), (a, b, length) => {
      const texts = [a, [], b]; // One of them is padding as a whole.
      const whole = logits(texts, length), packed = logits(texts, length, true);
      const real = ({ data }: HostTensor) => float32([4], [data[0]!, data[1]!, data[4]!, data[5]!]);
      assertClose(real(packed), real(whole), "packed", close);
    }),
    { numRuns: 8 },
  );
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

Deno.test("a text whose attention goes in blocks comes out as in one piece", () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      assertClose(logits([a, b], 64), logits([a, b], 9), "by blocks", close);
    }),
    { numRuns: 4 },
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
