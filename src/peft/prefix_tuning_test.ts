import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { affine, encode, encodeFirst, firstRows } from "../deberta/encoder.ts";
import { tokensFrom } from "../deberta/testing.ts";
import type { Noise } from "../engines/engine.ts";
import { assertClose } from "../engines/testing.ts";
import { float32, type HostTensor, type HostTensors } from "../tensor/host_tensor.ts";
import { type Model, openPass } from "../training/model.ts";
import { config, modelOf, weights } from "./testing.ts";

/** No use is made of noise without training. */
const noise = {} as Noise;

/** A backbone that cannot tell positions apart: a token then sees another wherever that one stands. */
const positionless: HostTensors = Object.fromEntries(
  Object.entries(weights).map(([name, tensor]) => {
    return [name, name.startsWith("deberta.encoder.LayerNorm") ? float32(tensor.shape) : tensor];
  }),
);

const host = (x: tf.Tensor): HostTensor => float32(x.shape, Float32Array.from(x.dataSync()));
const upload = ({ data, shape }: HostTensor): tf.Tensor => tf.tensor(data, shape.slice());

/** The encoder's output for one text, its rows for the first token by `encodeFirst` too, and what `observe` saw. */
function run(model: Model, tensors: HostTensors, text: readonly number[]) {
  tf.setBackend("cpu");
  const seen: HostTensors = {};
  tf.tidy(() => {
    const tensor = (name: string) => upload(tensors[name]!);
    const observe = (name: string, x: tf.Tensor) => void (seen[name] = host(x));
    const { pass } = openPass(model, { mode: "evaluate", noise, tensor, observe });
    const tokens = tokensFrom([[...text]]);
    observe("all", encode(pass, tokens));
    observe("first", encodeFirst(pass, tokens));
  });
  return { all: seen.all!, first: seen.first!, seen };
}

Deno.test("virtual keys and values do in every layer what those of a further token do", () => {
  const text = [2, 3, 4, 5], D = config.hidden;
  const longer = run(modelOf("bitfit", {}), positionless, [...text, 9]);
  const prefix: HostTensors = {};
  for (let layer = 0; layer < config.layers; layer++) {
    // What the further token is before this layer, and so its key and value.
    const x = longer.seen[`hidden_states.${layer}`]!, self = `deberta.encoder.layer.${layer}.attention.self`;
    tf.tidy(() => {
      const token = tf.slice(upload(x), [text.length, 0], [1, D]);
      const weight = (name: string) => upload(positionless[name]!);
      for (const part of ["key", "value"]) {
        prefix[`prefix.${layer}.${part}`] = host(affine({ weight }, `${self}.${part}_proj`, token));
      }
    });
  }
  const model = modelOf("prefix-tuning", { tokens: 1 });
  const { all, first } = run(model, { ...positionless, ...prefix }, text), close = { abs: 1e-5, rel: 1e-5 };
  assertClose(all, float32([text.length, D], longer.all.data.slice(0, text.length * D)), "every token", close);
  assertClose(first, float32([1, D], longer.all.data.slice(0, D)), "the first token", close);
  const without = run(modelOf("bitfit", {}), positionless, text);
  assert.ok(all.data.some((x, i) => Math.abs(x - without.all.data[i]!) > 1e-2), "the further token counts");
});

Deno.test("a prefix is added up over its tokens, whatever their order, for the texts of a batch alike", () => {
  const model = modelOf("prefix-tuning", { tokens: 2 }), D = config.hidden;
  const rows = [1, 2, 3, 4].map((seed) => Array.from({ length: D }, (_, i) => ((i * seed * 7) % 5 - 2) / 2));
  const withPrefix = (order: readonly [number, number]) =>
    Object.fromEntries(["key", "value"].flatMap((part, p) =>
      [0, 1].map((layer) => [
        `prefix.${layer}.${part}`,
        float32([2, D], order.flatMap((i) => rows[(i + 2 * p) % 4]!)),
      ])
    ));
  const one = run(model, { ...weights, ...withPrefix([0, 1]) }, [2, 3, 4]);
  const other = run(model, { ...weights, ...withPrefix([1, 0]) }, [2, 3, 4]);
  assertClose(other.all, one.all, "in another order", { abs: 1e-5, rel: 1e-5 });
  tf.tidy(() => {
    const tensors: HostTensors = { ...weights, ...withPrefix([0, 1]) };
    const { pass } = openPass(model, { mode: "evaluate", noise, tensor: (name) => upload(tensors[name]!) });
    const tokens = tokensFrom([[6, 7, 8, 9], [2, 3, 4, 0]], [[1, 1, 1, 1], [1, 1, 1, 0]]);
    const both = firstRows(encode(pass, tokens), 2);
    assertClose(host(tf.slice(both, [1, 0], [1, D])), one.first, "padded, beside another", { abs: 1e-5, rel: 1e-5 });
  });
});

Deno.test("a prefix costs two products of its size for each token and layer", () => {
  const costs = modelOf("prefix-tuning", { tokens: 3 }).adapter.costs!({});
  assert.equal(costs.length, 2 * config.layers);
  assert.ok(costs.every(({ macsPerToken }) => macsPerToken === 3 * config.hidden));
});
