import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { normal } from "../engines/testing.ts";
import { GROUPS } from "../peft/method.ts";
import { float32, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { flatten, layOut, type Trainable, unflatten, unpack } from "./layout.ts";

const shape = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 });
const trainables: fc.Arbitrary<Trainable[]> = fc.array(
  fc.record({ shape, group: fc.constantFrom(...GROUPS) }),
  { minLength: 1, maxLength: 8 },
).map((list) => list.map((t, i) => ({ ...t, name: `t${i}` })));

const valuesOf = (list: readonly Trainable[]): HostTensors =>
  Object.fromEntries(list.map(({ name, shape }) => [name, normal(shape, 1, name)]));

Deno.test("unflatten() undoes flatten(), and groups keep the order given", () => {
  fc.assert(fc.property(trainables, (list) => {
    const layout = layOut(list), tensors = valuesOf(list), flat = flatten(layout, tensors);
    assert.deepEqual(unflatten(layout, (group) => flat[group]!), tensors);
    for (const { group, members, size } of layout) {
      assert.equal(flat[group]!.length, size);
      assert.deepEqual(members, list.filter((t) => t.group === group));
    }
    assert.equal(layout.reduce((sum, { size }) => sum + size, 0), list.reduce((sum, t) => sum + sizeOf(t.shape), 0));
  }));
});

Deno.test("unpack() cuts the tensors that unflatten() does, and its gradient puts them back", () => {
  tf.setBackend("cpu");
  fc.assert(
    fc.property(trainables, (list) => {
      const layout = layOut(list), tensors = valuesOf(list), flat = flatten(layout, tensors);
      for (const one of layout) {
        tf.tidy(() => {
          const vector = tf.tensor1d(flat[one.group]!), parts = unpack(one, vector);
          for (const { name, shape } of one.members) {
            assert.deepEqual(parts[name]!.shape, shape);
            assert.deepEqual(parts[name]!.dataSync(), tensors[name]!.data);
          }
          const squares = (x: tf.Tensor) =>
            Object.values(unpack(one, x)).map((p) => tf.sum(tf.square(p))).reduce((a, b) => tf.add(a, b));
          assert.deepEqual(tf.grad(squares)(vector).dataSync(), Float32Array.from(flat[one.group]!, (x) => 2 * x));
        });
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("layOut() leaves out groups without members", () => {
  const layout = layOut([{ name: "b", shape: [2], group: "gates" }]);
  assert.deepEqual(layout.map(({ group }) => group), ["gates"]);
});

Deno.test("flatten() names a tensor that is missing or has another size", () => {
  const layout = layOut([{ name: "w", shape: [2, 3], group: "weights" }]);
  assert.throws(() => flatten(layout, {}), /^Error: The tensor "w" should have shape \[2,3\], not \[missing\]$/);
  assert.throws(
    () => flatten(layout, { w: float32([4]) }),
    /^Error: The tensor "w" should have shape \[2,3\], not \[4\]$/,
  );
});
