import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { optimize } from "../compile/compile.ts";
import { peakBytes } from "../compile/cost.ts";
import type { Graph } from "../compile/ir.ts";
import { operators } from "../compile/passes/testing.ts";
import { traceProgram } from "../engines/compiled.ts";
import { assertAllClose, compiled, cpu, normal, runOnce } from "../engines/testing.ts";
import type { Program } from "../engines/engine.ts";
import { float32 } from "../tensor/host_tensor.ts";
import { levelWeights } from "./gates.ts";
import { levelsOf, quantize, quantizeWith, rangeOverStep, STEP_RATIOS } from "./quantize.ts";

type Options = Parameters<typeof quantize>[3];

/** Half to even. */
function round(x: number): number {
  const below = Math.floor(x), rest = x - below;
  return rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
}

/** The residual formula of the paper, as written: x2 + z4 (e4 + z8 (e8 + z16 (e16 + z32 e32))). */
function residual(x: number, s2: number, z: readonly number[], signed: boolean): number {
  const b = s2 * rangeOverStep(signed), a = signed ? -b : 0;
  // The ends of the range belong to the grid below them.
  const limited = Math.min(Math.max(x, a * (1 - 1e-6)), b * (1 - 1e-6));
  const steps = [s2];
  for (const bits of [2, 4, 8, 16]) steps.push(steps.at(-1)! / (2 ** bits + 1));
  let left = limited;
  const parts = steps.map((step) => {
    const part = step * round(left / step);
    left -= part;
    return part;
  });
  const [x2, e4, e8, e16, e32] = parts as [number, number, number, number, number];
  const [z4, z8, z16, z32] = z as [number, number, number, number];
  return x2 + z4 * (e4 + z8 * (e8 + z16 * (e16 + z32 * e32)));
}

const unit = fc.double({ min: 0, max: 1, noNaN: true }).map(Math.fround);
const scale = fc.double({ min: 0.01, max: 10, noNaN: true }).map(Math.fround);
/** A place on the 8-bit grid, and how far from it: up to 0.4 of a step, away from where rounding turns. */
const place = fc.tuple(fc.integer({ min: -300, max: 300 }), fc.double({ min: -0.4, max: 0.4, noNaN: true }));
const stack = fc.array(
  fc.record({ s2: scale, z: fc.tuple(unit, unit, unit, unit), places: fc.tuple(place, place, place, place) }),
  { minLength: 1, maxLength: 3 },
);

function eager<T extends tf.TensorContainer>(run: () => T): T {
  tf.setBackend("cpu");
  return tf.tidy(run);
}

for (const signed of [true, false]) {
  Deno.test(`quantize() is the paper's residual formula for ${signed ? "signed" : "unsigned"} ranges`, () => {
    fc.assert(fc.property(stack, (quantizers) => {
      const x = quantizers.map(({ s2, places }) => places.map(([n, off]) => Math.fround((n + off) * s2 / 85)));
      const made = eager(() => {
        const [steps, gates] = [tf.tensor1d(quantizers.map((q) => q.s2)), tf.tensor2d(quantizers.map((q) => q.z))];
        return quantize(tf.tensor2d(x), steps, levelWeights(gates), { signed }).arraySync() as number[][];
      });
      quantizers.forEach(({ s2, z }, i) =>
        x[i]!.forEach((value, j) => {
          const expected = residual(value, s2, z, signed);
          // float32 does not tell the two finest grids apart everywhere: one 16-bit step is granted.
          const close = Math.abs(made[i]![j]! - expected) <= 1.5 * s2 / STEP_RATIOS[3];
          assert.ok(close, `x ${value}, s2 ${s2}, z ${z}: ${made[i]![j]}, expected ${expected}`);
        })
      );
    }));
  });
}

Deno.test("quantize() has the grid of two bits with all gates closed, and leaves the range as it is with all open", () => {
  const x = Float32Array.from({ length: 301 }, (_, i) => (i - 150) / 100), s2 = 1;
  const run = (weights: number[], options?: Options) =>
    eager(() => quantize(tf.tensor2d(x, [1, 301]), tf.tensor1d([s2]), tf.tensor2d([weights]), options).dataSync());
  assert.deepEqual([...new Set(run([1, 0, 0, 0, 0]))].map(Math.round).sort((a, b) => a - b), [-1, 0, 1]);
  assert.equal(new Set(run([0, 1, 0, 0, 0])).size, 15);
  run([0, 0, 0, 0, 1]).forEach((y, i) => assert.ok(Math.abs(y - x[i]!) < 3e-6));
  const unsigned = eager(() =>
    quantize(tf.tensor2d([[-1, 0.2, 0.9, 1.7, 2.8, 9]]), tf.tensor1d([s2]), tf.tensor2d([[1, 0, 0, 0, 0]]), {
      signed: false,
    }).dataSync()
  );
  assert.deepEqual([...unsigned].map(Math.round), [0, 0, 1, 2, 3, 3]);
});

/** The gradient of <c, quantize(x)> to everything it depends on. */
function gradients(x: number[], s2: number, weights: number[], c: number[], options?: Options) {
  return eager(() => {
    const f = (x: tf.Tensor, s2: tf.Tensor, weights: tf.Tensor) =>
      tf.sum(tf.mul(quantize(x, s2, weights, options), tf.tensor2d([c]))) as tf.Scalar;
    const given = [tf.tensor2d([x]), tf.tensor1d([s2]), tf.tensor2d([weights])];
    const [dx, dStep, dWeights] = tf.grads(f)(given).map((g) => [...g.dataSync()]);
    return {
      value: f(given[0]!, given[1]!, given[2]!).dataSync()[0]!,
      dx: dx!,
      dStep: dStep![0]!,
      dWeights: dWeights!,
    };
  });
}

const X = [-2, -1.1, -0.33, 0.07, 0.52, 1.1, 1.9],
  C = [1, -2, 0.5, 3, -1, 2, 0.25],
  WEIGHTS = [0.1, 0.2, 0.4, 0.2, 0.1];
const near = (a: number, b: number, tolerance = 1e-3) =>
  assert.ok(Math.abs(a - b) <= tolerance * (1 + Math.abs(b)), `${a}, expected ${b}`);

for (const signed of [true, false]) {
  Deno.test(`quantize() has the straight-through gradient in closed form, ${signed ? "signed" : "unsigned"}`, () => {
    const s2 = 0.8, b = s2 * rangeOverStep(signed), a = signed ? -b : 0;
    const { dx, dStep, dWeights } = gradients(X, s2, WEIGHTS, C, { signed });
    const levels = X.map((x) => {
      const limited = Math.min(Math.max(x, a), b);
      return STEP_RATIOS.map((r) => {
        const scaled = Math.min(Math.max(limited * r / s2, a * r / s2 * (1 - 1e-6)), b * r / s2 * (1 - 1e-6));
        return round(scaled) * s2 / r;
      });
    });
    const y = levels.map((l) => l.reduce((sum, level, k) => sum + level * WEIGHTS[k]!, 0));
    const inside = X.map((x) => x > a && x < b);
    dx.forEach((g, i) => near(g, inside[i] ? C[i]! : 0));
    dWeights.forEach((g, k) => near(g, levels.reduce((sum, l, i) => sum + l[k]! * C[i]!, 0)));
    near(dStep, X.reduce((sum, x, i) => sum + C[i]! * (y[i]! - (inside[i] ? x : 0)) / s2, 0));
  });
}

Deno.test("quantize() has the gradient of finite differences where it is smooth: in the weights, and in the step of clipped inputs", () => {
  const clipped = [-3, 2.5, 4], c = [1, -2, 0.5], s2 = 0.8, h = 1e-2;
  const at = (step: number, weights: number[]) => gradients(clipped, step, weights, c).value;
  const { dStep, dWeights } = gradients(clipped, s2, WEIGHTS, c);
  near(dStep, (at(s2 + h, WEIGHTS) - at(s2 - h, WEIGHTS)) / (2 * h));
  dWeights.forEach((g, k) => {
    const moved = (by: number) => WEIGHTS.map((w, i) => i === k ? w + by : w);
    near(g, (at(s2, moved(h)) - at(s2, moved(-h))) / (2 * h));
  });
});

Deno.test("quantize() without clipping passes every gradient on", () => {
  const { dx } = gradients(X, 0.8, WEIGHTS, C, { clip: false });
  dx.forEach((g, i) => near(g, C[i]!));
});

Deno.test("quantize() keeps the members of a stack apart, whatever their shape", () => {
  const x = normal([2, 3, 4]), weights = [[1, 0, 0, 0, 0], [0, 0, 0.5, 0.5, 0]];
  const [both, ...single] = eager(() => {
    const all = tf.tensor(x.data, [2, 3, 4]), steps = tf.tensor1d([0.5, 2]);
    const one = (i: number) => quantize(tf.slice(all, i, 1), tf.slice(steps, i, 1), tf.tensor2d([weights[i]!]));
    return [quantize(all, steps, tf.tensor2d(weights)), one(0), one(1)].map((y) => ({
      shape: y.shape,
      data: [...y.dataSync()],
    }));
  });
  assert.deepEqual(both!.shape, [2, 3, 4]);
  assert.deepEqual(both!.data, single.flatMap(({ data }) => data));
});

/** A stack of three quantizers and its gradients, as a program. */
function programOf(lines: number, width: number) {
  const shape = [3, lines, width];
  const inputs = {
    x: normal(shape, 1.2),
    s2: float32([3], [0.3, 0.9, 2]),
    weights: float32([3, 5], [1, 0, 0, 0, 0, 0.1, 0.2, 0.3, 0.4, 0, 0, 0, 0, 0, 1]),
    c: normal(shape, 1, "c"),
  };
  const apply = ({ x, s2, weights, c }: Record<string, tf.Tensor>) => {
    const f = (x: tf.Tensor, s2: tf.Tensor, weights: tf.Tensor) =>
      tf.sum(tf.mul(quantize(x, s2, weights, { tile: TILE }), c!)) as tf.Scalar;
    const [dx, dStep, dWeights] = tf.grads(f)([x!, s2!, weights!]);
    return { y: quantize(x!, s2!, weights!, { tile: TILE }), dx: dx!, dStep: dStep!, dWeights: dWeights! };
  };
  return { program: { name: "quantize", inputs, apply }, inputs };
}
/** Numbers of a tile, and more lines than it has. */
const TILE = 2 ** 20, LINES = 750, WIDTH = 96;

Deno.test("quantize() and its gradients are the same on every compiled engine, small or large", async () => {
  for (const [lines, width, loss] of [[5, 7, 1], [LINES, WIDTH, 100]] as const) {
    const { program, inputs } = programOf(lines, width), expected = await runOnce(cpu, program, inputs);
    for (const { name, device } of compiled) {
      assertAllClose(await runOnce(device, program, inputs), expected, name, { abs: 2e-5 * loss, rel: 1e-4 });
    }
  }
});

Deno.test("quantize() of a tensor of several tiles is that of its parts", () => {
  const { program, inputs } = programOf(LINES, WIDTH), half = LINES / 2;
  eager(() => {
    const given = Object.fromEntries(
      Object.entries(inputs).map(([k, { data, shape }]) => [k, tf.tensor(data, [...shape])]),
    );
    const part = (from: number) => {
      const cut = (x: tf.Tensor) => tf.slice(x, [0, from, 0], [3, half, WIDTH]);
      return program.apply({ ...given, x: cut(given.x!), c: cut(given.c!) });
    };
    const whole = program.apply(given), parts = [part(0), part(half)];
    for (const key of ["y", "dx"] as const) {
      assert.deepEqual(whole[key].dataSync(), tf.concat(parts.map((p) => p[key]), 1).dataSync());
    }
    for (const key of ["dStep", "dWeights"] as const) {
      const sums = tf.add(parts[0]![key], parts[1]![key]).dataSync();
      whole[key].dataSync().forEach((g, i) => near(g / 100, sums[i]! / 100));
    }
  });
});

Deno.test("quantize() of a large tensor does not keep its grids for the gradient", () => {
  const { program, inputs } = programOf(20 * LINES, WIDTH), graph = optimize(traceProgram(program).graph);
  const copies = peakBytes(graph) / (4 * inputs.x.data.length);
  assert.ok(copies < 7, `with five grids at hand at a time it takes ${copies.toFixed(1)} times the room of its input`);
});

Deno.test("on native, quantizers whose gates are all open, and so round nothing, have the values and gradients of others", async () => {
  const shape = [3, 64, 130], inputs = { x: normal(shape, 1, "x"), c: normal(shape, 1, "c") };
  const program: Program = {
    name: "open gates",
    inputs,
    apply: ({ x, c }) => {
      const f = (x: tf.Tensor, logStep: tf.Tensor, gates: tf.Tensor) => {
        const levels = levelsOf(logStep, levelWeights(gates));
        return tf.sum(tf.mul(quantizeWith(x, levels, { skip: true, tile: 2 ** 14 }), c!)) as tf.Scalar;
      };
      const given = [x!, tf.log(tf.tensor1d([0.4, 0.8, 1.3])), tf.ones([3, 4])] as const;
      const [dx, dStep] = tf.grads(f)([...given]);
      return { value: f(...given), dx: dx!, dStep: dStep! };
    },
  };
  const native = compiled.find(({ name }) => name === "native")!.device;
  const expected = await runOnce(cpu, program, inputs);
  assertAllClose(await runOnce(native, program, inputs), expected, "open gates", { abs: 2e-3, rel: 1e-4 });
});

Deno.test("a large tensor alone has the values and gradients of one in a stack, whichever grids count", async () => {
  const shape = [1, 96, 640],
    inputs = { x: normal(shape, 1, "x"), c: normal(shape, 1, "c"), gates: float32([1, 4], [1, 1, 1, 1]) };
  /** @param copies of the tensor in the stack, of which the first one is looked at */
  const program = (copies: number): Program => ({
    name: "alone",
    inputs,
    apply: ({ x, c, gates }) => {
      const f = (x: tf.Tensor, logStep: tf.Tensor, gates: tf.Tensor) => {
        const [xs, logSteps, weights] = [x, logStep, levelWeights(gates)].map((one) =>
          tf.concat(new Array(copies).fill(one))
        ) as [tf.Tensor, tf.Tensor, tf.Tensor];
        const y = quantizeWith(xs, levelsOf(logSteps, weights), { skip: true });
        return tf.sum(tf.mul(tf.slice(y, 0, 1), c!)) as tf.Scalar;
      };
      const given = [x!, tf.log(tf.tensor1d([0.4])), gates!] as const, [dx, dStep, dGates] = tf.grads(f)([...given]);
      // A grid that is left out has no gradient; under a hard-concrete gate that stands there, none arrives.
      const half = tf.cast(tf.logicalAnd(tf.greater(gates!, 0), tf.less(gates!, 1)), "float32");
      return { value: f(...given), dx: dx!, dStep: dStep!, dGates: tf.mul(dGates!, half) };
    },
  });
  for (const gates of [[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0.25, 0], [0.5, 1, 1, 1], [0, 0, 0, 0]]) {
    const given = { ...inputs, gates: float32([1, 4], gates) }, expected = await runOnce(cpu, program(2), given);
    for (const { name, device } of [...compiled, { name: "cpu", device: cpu }]) {
      const made = await runOnce(device, program(1), given);
      assertAllClose(made, expected, `${name}, gates ${gates}`, { abs: 5e-3, rel: 1e-3 });
    }
  }
});

Deno.test("a large tensor alone has every gradient, of closed grids as well, if none may be left out", async () => {
  const shape = [1, 96, 640], inputs = { x: normal(shape, 1, "x"), c: normal(shape, 1, "c") };
  const program: Program = {
    name: "all gradients",
    inputs,
    apply: ({ x, c }) => {
      const f = (weights: tf.Tensor) =>
        tf.sum(tf.mul(quantizeWith(x!, levelsOf(tf.log(tf.tensor1d([0.4])), weights)), c!)) as tf.Scalar;
      return { dWeights: tf.grad(f)(tf.tensor2d([[0, 0, 0, 0, 1]])) };
    },
  };
  const expected = await runOnce(cpu, program, inputs);
  assert.ok([...expected.dWeights!.data].every((slope) => Math.abs(slope) > 0.01), "some slope is nothing anyway");
  for (const { name, device } of compiled) {
    assertAllClose(await runOnce(device, program, inputs), expected, name, { abs: 5e-3, rel: 1e-3 });
  }
});

Deno.test("a large tensor alone takes a shortcut past the rounding, forward and backward, and nothing else does", () => {
  const shortcuts = (copies: number, lines: number, skip: boolean) => {
    const program: Program = {
      name: "shortcuts",
      inputs: { x: { dtype: "float32", shape: [copies, lines, 640] }, gates: { dtype: "float32", shape: [copies, 4] } },
      apply: ({ x, gates }) => {
        const levels = levelsOf(tf.zeros([copies]), levelWeights(gates!));
        return { dx: tf.grad((x) => tf.sum(tf.square(quantizeWith(x, levels, { skip }))))(x!) };
      },
    };
    return optimize(traceProgram(program).graph).nodes.filter(({ op }) => op === "If")
      .map(({ attributes }) => operators(attributes.then_branch as Graph));
  };
  assert.deepEqual(shortcuts(1, 96, true).map((ops) => ops.filter((op) => op !== "ReduceSum")), [
    ["Max", "Min"],
    ["Max", "Min", "Equal", "Cast", "Mul", "FusedMatMul", "FusedMatMul"],
  ]);
  for (const [copies, lines, skip] of [[1, 96, false], [2, 96, true], [1, 8, true]] as const) {
    assert.deepEqual(shortcuts(copies, lines, skip), []);
  }
});

for (const { name, device } of compiled) {
  Deno.test(`${name}: one graph quantizes a large tensor of any number of lines, in pieces and tiles`, async () => {
    const at = (rows: number): Program => ({
      name: "lines",
      inputs: { x: { dtype: "float32", shape: [1, rows + 257, 100] }, step: { dtype: "float32", shape: [1] } },
      apply: ({ x, step }) => {
        const levels = (log: tf.Tensor) => levelsOf(log, tf.tensor2d([[0, 0, 0.5, 0, 0.5]]));
        const f = (x: tf.Tensor, log: tf.Tensor) =>
          tf.sum(tf.square(quantizeWith(x, levels(log), { skip: true, tile: 2 ** 16, mostLines: 1281 }))) as tf.Scalar;
        const [dx, dStep] = tf.grads(f)([x!, step!]);
        return { dx: dx!, dStep: tf.div(dStep!, rows) };
      },
    });
    const sizeOf = ({ x }: Record<string, { shape: readonly number[] }>) => x!.shape[1]! - 257;
    const executable = await device.load({ ...at(1024), elastic: { unit: 32, sizeOf, at } } as Program);
    for (const rows of [1024, 352, 32]) {
      const feeds = { x: normal([1, rows + 257, 100], 1, "x"), step: float32([1], [-0.7]) };
      const expected = await runOnce(cpu, at(rows), feeds);
      assertAllClose(await executable.run(feeds), expected, `${rows} rows`, { abs: 2e-2, rel: 1e-3 });
    }
    await executable.dispose();
  });
}

Deno.test("quantizers of numbers in other units make g times as much of g times as much, and so are their slopes", () => {
  const x = normal([2, 50], 1).data;
  const make = (units: number[]) =>
    eager(() => {
      const given = tf.mul(tf.tensor(x, [2, 50]), tf.tensor(units, [2, 1])), steps = tf.log(tf.tensor1d([0.4, 0.9]));
      const weights = tf.tensor2d([[0, 0.5, 0, 0.5, 0], [0.25, 0, 0.25, 0, 0.5]]);
      const f = (steps: tf.Tensor, weights: tf.Tensor) => quantizeWith(given, levelsOf(steps, weights, { units }));
      const slopes = tf.grads((steps, weights) => tf.sum(f(steps!, weights!)))([steps, weights]);
      return [f(steps, weights), ...slopes].map((made) => [...made.dataSync()]);
    });
  const times = (one: number[]) => one.map((made, i) => i < one.length / 2 ? 4 * made : made / 2);
  assert.deepEqual(make([4, 0.5]), make([1, 1]).map(times));
});
