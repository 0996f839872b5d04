import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { normal } from "../engines/testing.ts";
import { beside, throughAll } from "./beside.ts";
import { adaptedModules } from "./method.ts";
import { config } from "./testing.ts";

tf.setBackend("cpu");
const upload = (shape: number[], name: string) => tf.tensor(normal(shape, 1, name).data, shape);

Deno.test("beside() reads an input once, then projects and updates module by module, and leaves the others plain", () => {
  const [query, value] = adaptedModules({ ...config, layers: 1 }, "qv").map(({ module }) => module) as [string, string];
  const events: string[] = [], x = tf.scalar(1);
  const hook = beside(
    adaptedModules(config, "qv"),
    (module) => (events.push(`affine ${module}`), tf.scalar(10)),
    (mine, given) => {
      assert.equal(given, x);
      events.push(`read ${mine}`);
      return (place) => (events.push(`update ${mine[place]}`), tf.scalar(place + 1));
    },
    (h, update) => tf.sub(h, update),
  );
  assert.deepEqual(hook([value, "key", query], x)!.map((h) => h.dataSync()[0]), [9, 10, 8]);
  assert.deepEqual(events, [
    `read ${value},${query}`,
    ...[`affine ${value}`, `update ${value}`, "affine key", `affine ${query}`, `update ${query}`],
  ]);
  assert.equal(hook(["key"], x), undefined);
  assert.equal(events.length, 6);
});

for (const heights of [[3], [2, 2], [1, 3, 2]]) {
  Deno.test(`throughAll() makes of ${heights.length} matrices what each makes by itself, gradients included`, () => {
    const x = upload([4, 5], "x"), matrices = heights.map((r, i) => upload([r, 5], `${i}`));
    const slopes = heights.map((r, i) => upload([4, r], `slope ${i}`));
    const numbers = (make: () => tf.Tensor[]) => {
      const objective = (...given: tf.Tensor[]) => tf.addN(given.map((y, i) => tf.sum(tf.mul(y, slopes[i]!))));
      const { value, grads } = tf.valueAndGrads(() => objective(...make()) as tf.Scalar)([x, ...matrices]);
      return [value, ...grads].flatMap((t) => Array.from(t.dataSync()));
    };
    const alone = numbers(() => matrices.map((M) => tf.matMul(x, M, false, true)));
    const equal = heights.every((r) => r === heights[0]) ? [heights.length] : [];
    for (const parts of [heights, ...equal]) {
      const together = numbers(() => throughAll(x, tf.concat(matrices), parts));
      together.forEach((y, i) => assert.ok(Math.abs(y - alone[i]!) < 1e-5, `${i}: ${y}, ${alone[i]}`));
    }
  });
}
