import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import "./kernels.ts";
import { trace } from "./tracer.ts";

tf.enableProdMode();

const floats = { dtype: "float32", shape: [3] } as const;

Deno.test("trace() names a kernel that has no ONNX form, and what to do", () => {
  assert.throws(
    () => trace({ x: floats }, ({ x }) => ({ y: tf.cumsum(x!) })),
    /^Error: The TensorFlow\.js kernel "Cumsum" has no ONNX form: write .* or register it in src\/compile\/kernels\.ts$/,
  );
});

Deno.test("trace() refuses to read a value, now or later", async () => {
  const message = /^Error: A tensor's value was read while tracing/;
  assert.throws(() => trace({ x: floats }, ({ x }) => ({ y: tf.scalar(x!.dataSync()[0]!) })), message);
  let later: Promise<unknown> | undefined;
  trace({ x: floats }, ({ x }) => {
    later = x!.data();
    later.catch(() => {});
    return { x: x! };
  });
  await assert.rejects(later!, message);
});

Deno.test("trace() refuses a tensor made outside the traced function, as an operand and as an output", () => {
  tf.setBackend("cpu");
  const outside = tf.tensor1d([1, 2, 3]), message = /^Error: A tensor of shape \[3\] made outside the traced function/;
  assert.throws(() => trace({ x: floats }, ({ x }) => ({ y: tf.add(x!, outside) })), message);
  assert.throws(() => trace({ x: floats }, () => ({ y: outside })), message);
  outside.dispose();
});

Deno.test("trace() refuses a tensor kept from an earlier trace", () => {
  let kept: tf.Tensor | undefined;
  trace({ x: floats }, ({ x }) => ({ y: kept = tf.keep(tf.neg(x!)) }));
  assert.throws(() => trace({ x: floats }, ({ x }) => ({ y: tf.add(x!, kept!) })), /made outside the traced function/);
  kept!.dispose();
});

Deno.test("trace() refuses two inputs of one name", () => {
  assert.throws(
    () => trace({ x: floats }, (_, input) => ({ y: input("x", floats) })),
    /^Error: The graph input "x" was declared twice$/,
  );
});

Deno.test("trace() leaves no tensor behind, puts the backend back, and works again after an error", () => {
  tf.setBackend("cpu");
  const before = tf.memory().numTensors;
  for (let i = 0; i < 3; i++) {
    trace({ x: floats }, ({ x }) => ({ y: tf.grad((z) => tf.sum(tf.mul(z, tf.tensor1d([1, 2, 3]))))(x!) }));
    assert.throws(() => trace({ x: floats }, ({ x }) => ({ y: tf.tidy(() => tf.cumsum(tf.neg(x!))) })));
    assert.throws(() => trace({ x: floats }, ({ x }) => ({ y: tf.grad((z) => tf.cumsum(z))(x!) })));
  }
  assert.equal(tf.getBackend(), "cpu");
  assert.equal(tf.memory().numTensors, before);
});
