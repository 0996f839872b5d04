import assert from "node:assert/strict";
import fc from "fast-check";
import { float32 } from "../tensor/host_tensor.ts";
import { type Evaluator, isConstant, predict } from "./predict.ts";

const SIZE = 4, LENGTHS = [3, 6];

/** Programs whose logits for a row are a function of its first token. @param rows that they take at once */
const answering = (labels: number, logits: (token: number) => readonly number[], rows = SIZE) => ({
  size: SIZE,
  lengths: LENGTHS,
  load: (length: number): Promise<Evaluator> =>
    Promise.resolve({
      rows,
      run: ({ ids }) => {
        assert.deepEqual(ids!.shape, [rows, length]);
        const answers = Array.from({ length: rows }, (_, row) => logits(ids!.data[row * length]!));
        return Promise.resolve({ logits: float32([rows, labels], answers.flat()) });
      },
    }),
});

const example = (token: number, tokens = 1) => ({ ids: [token, ...new Array(tokens - 1).fill(0)], label: 0 });

Deno.test("predict() answers in the order of the examples, whatever their lengths", async () => {
  const some = fc.array(fc.tuple(fc.nat(50), fc.integer({ min: 1, max: 6 })), { maxLength: 30 });
  await fc.assert(fc.asyncProperty(some, async (pairs) => {
    const examples = pairs.map(([token, tokens]) => example(token, tokens));
    const hot = (token: number) => [0, 1, 2].map((label) => token % 3 === label ? 1 : 0);
    const classes = await predict(examples, 3, answering(3, hot));
    assert.deepEqual([...classes], pairs.map(([token]) => token % 3));
    const scores = await predict(examples, 1, answering(1, (token) => [token / 4], SIZE / 2));
    assert.deepEqual([...scores], pairs.map(([token]) => token / 4));
  }));
});

Deno.test("predict() takes the first of equal logits", async () => {
  assert.deepEqual([...await predict([example(1)], 3, answering(3, () => [-1, 2, 2]))], [1]);
});

Deno.test("predict() answers NaN where any logit is not finite", async () => {
  const logits = (token: number) => token === 1 ? [NaN, 1] : token === 2 ? [0, Infinity] : [0, 1];
  assert.deepEqual([...await predict([1, 3, 2].map((t) => example(t)), 2, answering(2, logits))], [NaN, 1, NaN]);
  assert.deepEqual([...await predict([example(1)], 1, answering(1, () => [-Infinity]))], [NaN]);
});

Deno.test("isConstant() tells a model that answers one thing, to a hair", () => {
  for (const constant of [[1, 1, 1], [2.5, 2.50001]]) assert.equal(isConstant(constant), true);
  for (const varied of [[1, 0], [2.5, 2.501], [1], []]) assert.equal(isConstant(varied), false);
});
