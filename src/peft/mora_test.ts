import assert from "node:assert/strict";
import { assertClose, normal } from "../engines/testing.ts";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import { truncatedSvd } from "../tensor/svd.ts";
import { modelOf } from "./testing.ts";
import { squareUpdate, squareWidth } from "./mora.ts";

/** Decompress(M compress(x)) in steps: fill up, cut, turn each pair of numbers as a complex one, multiply, join, repeat. */
function applied(M: HostTensor, x: readonly number[], out: number): number[] {
  const width = M.shape[0]!, half = width / 2, segments = Math.ceil(x.length / width), made: number[] = [];
  for (let i = 0; i < segments; i++) {
    const segment = Array.from({ length: width }, (_, j) => x[(i * width + j) % x.length]!), turned = segment.slice();
    for (let j = 0; j < half; j++) {
      const angle = i * 10000 ** (-2 * j / width), re = segment[j]!, im = segment[j + half]!;
      turned[j] = re * Math.cos(angle) - im * Math.sin(angle);
      turned[j + half] = re * Math.sin(angle) + im * Math.cos(angle);
    }
    for (let row = 0; row < width; row++) {
      made.push(turned.reduce((sum, y, j) => sum + M.data[row * width + j]! * y, 0));
    }
  }
  return Array.from({ length: out }, (_, o) => made[o % made.length]!);
}

Deno.test("squareUpdate() is compression by rotated segments, the square matrix, and decompression", () => {
  for (const [into, out, width] of [[8, 8, 4], [10, 6, 4], [7, 20, 6], [12, 12, 12], [64, 128, 38]] as const) {
    const M = normal([width, width], 1, into), { data } = squareUpdate(M, into, out);
    const x = Array.from(normal([into], 1, "x").data);
    const made = Array.from({ length: out }, (_, o) => x.reduce((sum, y, i) => sum + data[o * into + i]! * y, 0));
    assertClose(float32([out], made), float32([out], applied(M, x, out)), `${into} to ${out}`, {
      abs: 1e-5,
      rel: 1e-5,
    });
  }
});

Deno.test("the update has a higher rank than a LoRA with as many numbers", () => {
  const into = 24, out = 24, rank = 2, width = squareWidth(into, out, rank);
  assert.ok(width * width <= (into + out) * rank, "no more numbers than LoRA's two factors");
  const { data } = squareUpdate(normal([width, width]), into, out);
  const values = truncatedSvd(float32([out, into], data), 24).values;
  assert.ok(values.filter((s) => s > 1e-3 * values[0]!).length >= 20, `singular values ${values}`);
});

Deno.test("squareWidth() is the even width of LoRA's number of weights, never more than the projection's", () => {
  assert.equal(squareWidth(768, 768, 8), 110); // sqrt(12288) = 110.9
  assert.equal(squareWidth(64, 64, 8), 32);
  assert.equal(squareWidth(8, 8, 8), 8);
  assert.equal(squareWidth(8, 8, 1), 4);
});

Deno.test("the square matrix meets every segment of a token", () => {
  // Width 4 for 8 to 8 at rank 1: two segments, each through 4 x 4.
  const costs = modelOf("mora", { rank: 1, target: "qv" }).adapter.costs!({});
  assert.deepEqual(costs.map(({ macsPerToken }) => macsPerToken), [32, 32, 32, 32]);
});
