import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { float32, type HostTensor, type HostTensors, int32 } from "../tensor/host_tensor.ts";
import { assertAllClose, assertClose, assertSameBits, bits, compiled, cpu, normal, runOnce, whole } from "./testing.ts";
import type { Program } from "./engine.ts";
import { optional } from "./testing_optional.ts";

const ENGINES = [{ name: "cpu" as const, device: cpu }, ...compiled, ...optional];

const matrix = { dtype: "float32", shape: [2, 3] } as const;
const scalar = { dtype: "float32", shape: [] } as const;

/** y = x w^T, and the sum so far, kept in a register. */
const accumulate: Program = {
  name: "accumulate",
  inputs: { x: matrix, w: matrix, total: scalar },
  apply: ({ x, w, total }) => {
    const y = tf.matMul(x!, w!, false, true);
    return { y, next: tf.add(total!, tf.sum(y)) };
  },
  writes: { next: "total" },
};

const noisy: Program = {
  name: "noisy",
  inputs: {},
  apply: (_, noise) => ({
    dropout: noise.dropout("dropout", [50, 3], 0.25),
    uniform: noise.uniform("gates", [7]),
    other: noise.uniform("others", [7]),
  }),
};

const x = normal([2, 3], 1, "x"), w = normal([2, 3], 1, "w");
const start = () => ({ w, total: float32([], [0]) });
const bool = (data: number[]): HostTensor => ({ dtype: "bool", shape: [data.length], data: Uint8Array.from(data) });
const sum = ({ data }: HostTensor) => (data as Float32Array).reduce((a, b) => a + b, 0);

for (const { name, device } of ENGINES) {
  const suite = (sentence: string, run: () => Promise<void>) =>
    Deno.test(`${name}: ${sentence}`, async () => {
      device.clear();
      await run();
      device.clear();
    });

  suite("feeds come from the call or from registers, and written outputs stay in registers", async () => {
    device.write(start());
    const executable = await device.load(accumulate);
    const first = await executable.run({ x });
    assert.deepEqual(Object.keys(first), ["y"]);
    const second = await executable.run({ x, w: x });
    assert.notDeepEqual(first.y!.data, second.y!.data);
    const total = device.read("total");
    assertClose(total, float32([], [sum(first.y!) + sum(second.y!)]), "total", { abs: 1e-5, rel: 1e-5 });
    assert.equal(device.read("w").data.length, 6);
    await executable.dispose();
  });

  suite("what was read from a register stays as it was while runs go on", async () => {
    device.write(start());
    const executable = await device.load(accumulate), seen: [HostTensor, number[]][] = [];
    for (let i = 0; i < 6; i++) {
      await executable.run({ x });
      if (i % 3 === 1) continue;
      const total = device.read("total");
      seen.push([total, [...total.data]]);
    }
    for (const [total, numbers] of seen) assert.deepEqual([...total.data], numbers);
    assert.equal(new Set(seen.map(([, [sum]]) => sum)).size, seen.length);
    await executable.dispose();
  });

  suite("two programs share registers", async () => {
    const double: Program = {
      name: "double",
      inputs: { total: scalar },
      apply: ({ total }) => ({ twice: tf.mul(total!, 2), seen: total! }),
      writes: { twice: "total" },
    };
    device.write({ ...start(), total: float32([], [1.5]) });
    const [a, b] = [await device.load(accumulate), await device.load(double)];
    assert.deepEqual((await b.run({})).seen, float32([], [1.5]));
    const { y } = await a.run({ x });
    await b.run({});
    assertClose(device.read("total"), float32([], [2 * (3 + sum(y!))]), "total", { abs: 1e-5, rel: 1e-5 });
    await a.dispose();
    await b.dispose();
  });

  suite("outputs may be inputs, constants, one value under two names, and of every type", async () => {
    const inputs = { f: normal([2]), i: whole([3], -5, 5), b: bits([4]) };
    const program: Program = {
      name: "pass through",
      inputs,
      apply: ({ f, i, b }) => {
        const y = tf.neg(f!);
        return { f: f!, i: i!, b: b!, y, again: y, constant: tf.ones([2, 2]), ids: tf.tensor1d([3, 1, 2], "int32") };
      },
    };
    const made = await runOnce(device, program, inputs);
    const negated = float32([2], Array.from(inputs.f.data, (v) => -v));
    const constants = { constant: float32([2, 2], [1, 1, 1, 1]), ids: int32([3], [3, 1, 2]) };
    assertAllClose(made, { ...inputs, y: negated, again: negated, ...constants }, "outputs");
  });

  suite("names of inputs and outputs are free", async () => {
    const names = ["v0", "v1", "i0", "f0", "out:y", "float32:0", "noise:x", "a b", "y"];
    const inputs = Object.fromEntries(names.map((key, i) => [key, float32([2], [i, i + 1])]));
    const apply: Program["apply"] = (given) => {
      const sums = names.map((key) => tf.pad(tf.slice(given[key]!, [0], [1]), [[0, 1]]));
      return { y: sums.reduce((a, b) => tf.add(a, b)), v0: tf.exp(given.v1!), v2: tf.reshape(given.y!, [2, 1]) };
    };
    const expected = {
      y: float32([2], [36, 0]),
      v0: float32([2], [Math.E, Math.E ** 2]),
      v2: float32([2, 1], [8, 9]),
    };
    assertAllClose(await runOnce(device, { name: "names", inputs, apply }, inputs), expected, "names");
  });

  suite("an output in a register does not change when its input is written anew", async () => {
    const copy: Program = { name: "copy", inputs: { a: scalar }, apply: ({ a }) => ({ b: a! }), writes: { b: "b" } };
    device.write({ a: float32([], [1]) });
    await runOnce(device, copy, {});
    device.write({ a: float32([], [2]) });
    assert.deepEqual([...device.read("b").data], [1]);
  });

  suite("a missing input is an error that names it", async () => {
    const executable = await device.load(accumulate);
    device.write({ w });
    await assert.rejects(
      executable.run({ x }),
      /^Error: Input "total" of accumulate was neither fed nor written to a register$/,
    );
    assert.throws(() => device.read("total"), /^Error: The register "total" was never written$/);
    await executable.dispose();
  });

  suite("an input of another shape or type is an error that names both, fed or from a register", async () => {
    const executable = await device.load(accumulate);
    device.write(start());
    await assert.rejects(
      executable.run({ x: float32([2, 2]) }),
      /^Error: Input "x" of accumulate is float32 \[2,2\], not float32 \[2,3\]$/,
    );
    await assert.rejects(executable.run({ x: float32([3, 2]) }), /is float32 \[3,2\], not float32 \[2,3\]$/);
    await assert.rejects(executable.run({ x: int32([2, 3]) }), /is int32 \[2,3\], not float32 \[2,3\]$/);
    device.write({ w: float32([3, 2]) });
    await assert.rejects(executable.run({ x }), /^Error: Input "w" of accumulate is float32 \[3,2\], not/);
    await executable.dispose();
  });

  suite("clear() forgets registers", () => {
    device.write(start());
    device.clear();
    assert.throws(() => device.read("w"), /never written/);
    return Promise.resolve();
  });

  suite("noise is the same as on the oracle, new in every step and seed, and other for every name", async () => {
    const key = { seed: 3, step: 5 }, made = await runOnce(device, noisy, {}, key);
    assertSameBits(made, await runOnce(cpu, noisy, {}, key), "noise");
    assert.notDeepEqual(made.uniform!.data, made.other!.data);
    assert.ok((made.dropout!.data as Float32Array).every((k) => k === 0 || k === Math.fround(1 / 0.75)));
    const executable = await device.load(noisy);
    const copy = (tensors: HostTensors) => structuredClone(tensors);
    const again = copy(await executable.run({}, key));
    const [step, seed] = [
      copy(await executable.run({}, { seed: 3, step: 6 })),
      await executable.run({}, { seed: 4, step: 5 }),
    ];
    assertSameBits(again, made, "again");
    for (const output of ["dropout", "uniform", "other"]) {
      assert.notDeepEqual(step[output]!.data, made[output]!.data);
      assert.notDeepEqual(seed[output]!.data, made[output]!.data);
    }
    await executable.dispose();
  });

  suite("noise without a key, or twice under one name, is an error that names it", async () => {
    await assert.rejects(
      runOnce(device, noisy, {}),
      /^Error: The program noisy draws noise "dropout" and was run without a noise key$/,
    );
    const twice: Program = {
      name: "twice",
      inputs: {},
      apply: (_, noise) => ({ a: noise.uniform("u", [2]), b: noise.uniform("u", [3]) }),
    };
    await assert.rejects(
      runOnce(device, twice, {}, { seed: 0, step: 0 }),
      /^Error: The program twice draws noise "u" twice$/,
    );
  });

  suite("the same run gives the same bits", async () => {
    const program: Program = {
      name: "bits",
      inputs: { a: { dtype: "float32", shape: [40, 50] } },
      apply: ({ a }) => ({ y: tf.softmax(tf.matMul(a!, tf.tanh(a!), false, true)), s: tf.mean(a!) }),
    };
    const feeds = { a: normal([40, 50]) };
    assertSameBits(await runOnce(device, program, feeds), await runOnce(device, program, feeds), "twice");
  });

  suite("many loads and runs, good and bad, leave no tensor behind", async () => {
    tf.setBackend("cpu");
    device.write(start());
    const round = async () => {
      const executable = await device.load(accumulate);
      for (let i = 0; i < 3; i++) await executable.run({ x });
      await assert.rejects(executable.run({ x: float32([2, 2]) }));
      await executable.dispose();
      await runOnce(device, noisy, {}, { seed: 1, step: 1 });
      await assert.rejects(runOnce(device, noisy, {}));
      tf.setBackend("cpu");
      return tf.memory().numTensors;
    };
    const first = await round();
    for (let i = 0; i < 5; i++) assert.equal(await round(), first);
    device.clear();
    assert.ok(tf.memory().numTensors <= first);
  });
}

Deno.test("a boolean mask fed to every engine selects the same elements", async () => {
  const inputs = { mask: bool([1, 0, 0, 1]), x: float32([4], [1, 2, 3, 4]) };
  const program: Program = {
    name: "select",
    inputs,
    apply: ({ mask, x }) => ({ y: tf.where(mask!, x!, tf.zerosLike(x!)), not: tf.logicalNot(mask!) }),
  };
  for (const { name, device } of ENGINES) {
    const made = await runOnce(device, program, inputs);
    assertAllClose(made, { y: float32([4], [1, 0, 0, 4]), not: bool([0, 1, 1, 0]) }, name);
  }
});
