import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { assertAllClose, compiled, cpu, normal, runOnce, whole } from "../engines/testing.ts";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import {
  BETA,
  BIT_WIDTHS,
  bitsOf,
  bitTerm,
  GAMMA,
  hostTestGates,
  ladder,
  levelWeights,
  nested,
  probabilityOn,
  rankMask,
  sampleGates,
  testGates,
  ZETA,
} from "./gates.ts";

const shift = BETA * Math.log(-GAMMA / ZETA);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const logit = fc.double({ min: -6, max: 8, noNaN: true }).map(Math.fround);
const logits = fc.array(fc.tuple(logit, logit, logit, logit), { minLength: 1, maxLength: 5 });
const unit = fc.double({ min: 0, max: 1, noNaN: true }).map(Math.fround);
const gates = fc.array(fc.tuple(unit, unit, unit, unit), { minLength: 1, maxLength: 5 });

/** Runs a function of tensors on the eager backend. */
function numbers(apply: () => tf.Tensor): number[] {
  tf.setBackend("cpu");
  return tf.tidy(() => [...apply().dataSync()]);
}

function assertNear(actual: readonly number[], expected: readonly number[], tolerance = 1e-5): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((a, i) => assert.ok(Math.abs(a - expected[i]!) <= tolerance, `${i}: ${a}, expected ${expected[i]}`));
}

Deno.test("sampleGates() stretches and clips the hard concrete distribution", () => {
  fc.assert(fc.property(logit, fc.integer({ min: 1, max: 999 }), (phi, thousandth) => {
    const u = Math.fround(thousandth / 1000);
    const s = sigmoid((Math.log(u) - Math.log(1 - u) + phi) / BETA);
    const expected = Math.min(1, Math.max(0, s * (ZETA - GAMMA) + GAMMA));
    assertNear(numbers(() => sampleGates(tf.tensor1d([phi]), tf.tensor1d([u]))), [expected]);
  }));
});

Deno.test("sampleGates() has the gradient of its formula inside the interval and none outside", () => {
  tf.setBackend("cpu");
  const gradient = (phi: number, u: number) =>
    numbers(() => tf.grad((x) => sampleGates(x, tf.tensor1d([u])))(tf.tensor1d([phi])))[0]!;
  for (const [phi, u] of [[0, 0.5], [1, 0.3], [-1, 0.6]] as const) {
    const s = sigmoid((Math.log(u) - Math.log(1 - u) + phi) / BETA);
    assertNear([gradient(phi, u)], [(ZETA - GAMMA) * s * (1 - s) / BETA]);
  }
  assert.deepEqual([gradient(6, 0.9), gradient(-6, 0.1)], [0, 0]);
});

Deno.test("probabilityOn() is the share of uniform numbers that open a gate at all", () => {
  fc.assert(fc.property(fc.double({ min: -3, max: 3, noNaN: true }), (phi) => {
    const [on] = numbers(() => probabilityOn(tf.tensor1d([phi])));
    const opens = (u: number) => numbers(() => sampleGates(tf.tensor1d([phi]), tf.tensor1d([u])))[0]! > 0;
    assert.ok(opens(1 - on! + 1e-3) || on! < 2e-3);
    assert.ok(!opens(1 - on! - 1e-3) || on! > 1 - 2e-3);
  }));
});

Deno.test("test gates are open where an exact zero is less likely than 0.34, in tensors as on the host", () => {
  fc.assert(fc.property(logits, (rows) => {
    const phi = () => tf.tensor2d(rows);
    const expected = rows.map((row) => row.map((x) => sigmoid(shift - x) < 0.34 ? 1 : 0));
    assert.deepEqual(numbers(() => testGates(phi())), expected.flat());
    assert.deepEqual(rows.flatMap((row) => hostTestGates(row, false)), expected.flat());
    const laddered = rows.flatMap((row, i) =>
      expected[i]!.map((z, k) => row.slice(0, k + 1).some((x) => x <= -2) ? 0 : z)
    );
    assert.deepEqual(numbers(() => tf.mul(testGates(phi()), ladder(phi()))), laddered);
    assert.deepEqual(rows.flatMap((row) => hostTestGates(row, true)), laddered);
  }));
});

Deno.test("ladder() closes a gate at -2 and all above it, for any number of gates", () => {
  assert.deepEqual(numbers(() => ladder(tf.tensor2d([[6, -2, 6, 6], [6, 6, 6, -1.99], [-3, 6, 6, 6]]))), [
    ...[1, 0, 0, 0],
    ...[1, 1, 1, 1],
    ...[0, 0, 0, 0],
  ]);
  assert.deepEqual(numbers(() => ladder(tf.tensor2d([[6], [-2]]))), [1, 0]);
});

Deno.test("discrete gates have a gradient of zero", () => {
  for (const gate of [testGates, ladder]) {
    assert.deepEqual(numbers(() => tf.grad((x) => gate(x))(tf.tensor2d([[6, -3, 0, 1]]))), [0, 0, 0, 0]);
  }
});

Deno.test("nested() multiplies the leading gates, one gate included, and passes their gradients on", () => {
  assert.deepEqual(numbers(() => nested(tf.tensor2d([[0.5, 0.5, 0, 1]]))), [0.5, 0.25, 0, 0]);
  assert.deepEqual(numbers(() => nested(tf.tensor2d([[0.5], [0.25]]))), [0.5, 0.25]);
  assertNear(numbers(() => tf.grad((z) => tf.sum(nested(z)))(tf.tensor2d([[2, 3, 5]]))), [1 + 3 + 15, 2 + 10, 6]);
  assertNear(numbers(() => tf.grad((z) => tf.sum(nested(z)))(tf.tensor2d([[2], [3]]))), [1, 1]);
});

Deno.test("levelWeights() shares one among the bit widths, all of it to the width of open gates", () => {
  fc.assert(fc.property(gates, (rows) => {
    const weights = numbers(() => levelWeights(tf.tensor2d(rows)));
    assert.ok(weights.every((w) => w >= 0 && w <= 1));
    rows.forEach((_, i) => assertNear([weights.slice(5 * i, 5 * i + 5).reduce((a, b) => a + b)], [1]));
  }));
  for (let open = 0; open < 16; open++) {
    const row = [open & 1, (open >> 1) & 1, (open >> 2) & 1, (open >> 3) & 1] as const;
    const weights = numbers(() => levelWeights(tf.tensor2d([[...row]])));
    assert.equal(BIT_WIDTHS[weights.indexOf(1)], bitsOf(row));
    const [z4, z8, z16, z32] = row;
    assert.equal(bitsOf(row), 2 ** (1 + z4 + z4 * z8 + z4 * z8 * z16 + z4 * z8 * z16 * z32));
  }
});

Deno.test("bitTerm() sums the probabilities of reaching each width, times the widths if they weigh", () => {
  fc.assert(fc.property(logits, (rows) => {
    const terms = rows.map((row) => {
      let reached = 1;
      return row.map((phi) => reached *= sigmoid(phi - shift));
    });
    const total = (weights: readonly number[]) => terms.map((t) => t.reduce((sum, q, i) => sum + q * weights[i]!, 0));
    assertNear(numbers(() => bitTerm(tf.tensor2d(rows))), total([1, 1, 1, 1]));
    assertNear(numbers(() => bitTerm(tf.tensor2d(rows), true)), total([4, 8, 16, 32]), 1e-4);
  }));
});

Deno.test("bitTerm() has the gradient of its finite differences", () => {
  const phi = [0.5, -1, 1, 0.2], step = 1e-2;
  const at = (x: number[]) => numbers(() => bitTerm(tf.tensor2d([x])))[0]!;
  const differences = phi.map((_, i) => {
    const moved = (by: number) => phi.map((x, j) => i === j ? x + by : x);
    return (at(moved(step)) - at(moved(-step))) / (2 * step);
  });
  assertNear(numbers(() => tf.grad((x) => tf.sum(bitTerm(x)))(tf.tensor2d([phi]))), differences, 1e-4);
});

Deno.test("rankMask() rounds nested gates, keeps the first rank, and passes gradients straight through", () => {
  assert.deepEqual(numbers(() => rankMask(tf.tensor2d([[0.9, 0.8, 0.6, 1], [1, 1, 1, 1], [0.4, 1, 1, 1]]))), [
    ...[1, 1, 1, 0, 0],
    ...[1, 1, 1, 1, 1],
    ...[1, 0, 0, 0, 0],
  ]);
  assert.deepEqual(numbers(() => rankMask(tf.tensor2d([[0.9], [0.1]]))), [1, 1, 1, 0]);
  assert.deepEqual(numbers(() => rankMask(tf.zeros([3, 0]))), [1, 1, 1]);
  for (const width of [1, 2, 4]) {
    const z = Array.from({ length: width }, (_, i) => 0.9 - 0.2 * i), c = z.map((_, i) => 1 + i);
    const masked = numbers(() =>
      tf.grad((x) => tf.sum(tf.mul(rankMask(x), tf.tensor2d([[7, ...c]]))))(tf.tensor2d([z]))
    );
    const plain = numbers(() => tf.grad((x) => tf.sum(tf.mul(nested(x), tf.tensor2d([c]))))(tf.tensor2d([z])));
    assertNear(masked, plain);
  }
});

Deno.test("gates and their gradients are the same on every compiled engine", async () => {
  const coarse = (tensor: HostTensor) => float32(tensor.shape, Array.from(tensor.data, (x) => x + 0.25));
  const inputs = {
    phi: coarse(whole([3, 4], -4, 5)),
    ranks: coarse(whole([2, 1], -2, 3)),
    u: float32([3, 4], Array.from(normal([3, 4]).data, sigmoid)),
  };
  const program = {
    name: "gates",
    inputs,
    apply: ({ phi, ranks, u }: Record<string, tf.Tensor>) => {
      const objective = (phi: tf.Tensor, ranks: tf.Tensor) =>
        tf.add(
          tf.sum(tf.mul(levelWeights(tf.mul(sampleGates(phi, u!), ladder(phi))), tf.tensor1d([1, 2, 3, 4, 5]))),
          tf.add(tf.sum(bitTerm(phi, true)), tf.sum(rankMask(tf.sigmoid(ranks)))),
        );
      const [dPhi, dRanks] = tf.grads(objective)([phi!, ranks!]);
      return {
        value: objective(phi!, ranks!),
        dPhi: dPhi!,
        dRanks: dRanks!,
        test: testGates(phi!),
        open: ladder(phi!),
      };
    },
  };
  const expected = await runOnce(cpu, program, inputs);
  for (const { name, device } of compiled) assertAllClose(await runOnce(device, program, inputs), expected, name);
});
