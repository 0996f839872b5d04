import assert from "node:assert/strict";
import { encoderShapes } from "../deberta/config.ts";
import { assertSameBits } from "../engines/testing.ts";
import { TemporaryFolder } from "../graph/toy/rig.ts";
import { Stream } from "../random/stream.ts";
import { checkpointsIn } from "./checkpoint.ts";
import { pretrain, type PretrainCheckpoint, type PretrainInput } from "./pretrain.ts";
import { CLS, portable, SEP, TINY, watched } from "./testing.ts";

/** Sentences in which 3 + 2k is always followed by 4 + 2k: a token that was replaced stands out. */
const sequences = Array.from({ length: 48 }, (_, i) => {
  const stream = new Stream("pairs", i);
  const pairs = Array.from({ length: 2 + stream.below(2) }, () => 3 + 2 * stream.below(6));
  return [CLS, ...pairs.flatMap((id) => [id, id + 1]), SEP];
});

const settings: PretrainInput["settings"] = {
  seed: 0,
  steps: 160,
  batch: 16,
  learningRate: 0.01,
  weightDecay: 0.01,
  warmup: 5,
  replaced: 0.25,
  std: 0.2,
  lengths: [8],
};
const base: PretrainInput = { device: portable, config: TINY, sequences, special: { cls: CLS, sep: SEP }, settings };

Deno.test("pretrain() learns to tell replaced tokens, and gives an encoder and twenty losses", async () => {
  const { weights, losses } = await pretrain(base);
  assert.deepEqual(Object.keys(weights), Object.keys(encoderShapes(TINY)));
  assert.equal(losses.length, 20);
  const mean = (part: readonly number[]) => part.reduce((sum, loss) => sum + loss, 0) / part.length;
  const early = mean(losses.slice(0, 4)), late = mean(losses.slice(-4));
  assert.ok(late < 0.8 * early, `${early} fell to ${late} only`);
});

Deno.test("pretrain() starts with queries and keys alike in half of the first layer's heads, and in no other head", async () => {
  const config = { ...TINY, layers: 2 }, { layers, heads, hidden } = config, size = hidden / heads * hidden;
  const { weights } = await pretrain({ ...base, config, settings: { ...settings, steps: 0 } });
  const alike = Array.from({ length: layers }, (_, layer) => {
    const [query, key] = ["query", "key"].map((name) => {
      return weights[`deberta.encoder.layer.${layer}.attention.self.${name}_proj.weight`]!.data as Float32Array;
    });
    const headOf = (data: Float32Array, head: number) => data.subarray(head * size, (head + 1) * size).join();
    return Array.from({ length: heads }, (_, head) => headOf(query!, head) === headOf(key!, head));
  });
  alike.forEach((row, layer) => assert.deepEqual(row, row.map((_, head) => layer === 0 && head < heads / 2)));
});

Deno.test("pretrain() gives the same bits twice, and other bits from another seed", async () => {
  const run = (seed: number) => pretrain({ ...base, settings: { ...settings, steps: 5, seed } });
  const [first, second, other] = [await run(0), await run(0), await run(1)];
  assert.deepEqual(second.losses, first.losses);
  assertSameBits(second.weights, first.weights, "the encoder");
  assert.notDeepEqual(other.weights, first.weights);
});

Deno.test("pretrain() that is killed, again and again, ends with the bits of one that is not", async () => {
  await using folder = new TemporaryFolder();
  const checkpoints = checkpointsIn<PretrainCheckpoint>(folder.path, { every: 0, each: 0 });
  const input = { ...base, settings: { ...settings, steps: 25 } }, expected = await pretrain(input);
  let done = 0;
  // Three steps are an epoch: within one, at the end of one, in the middle of a mean of losses, before the last step.
  for (const steps of [2, 6, 7, 24]) {
    let begun = done;
    const device = watched(async (_, run) => {
      if (begun++ === steps) throw new Error("killed");
      return await run();
    });
    await assert.rejects(pretrain({ ...input, device, checkpoints }), /^Error: killed$/);
    assert.equal((await checkpoints.load())!.steps, steps);
    done = steps;
  }
  const { weights, losses } = await pretrain({ ...input, checkpoints });
  assert.deepEqual(losses, expected.losses);
  assertSameBits(weights, expected.weights, "the encoder");
});

Deno.test("pretrain() neither replaces special tokens nor puts them in the place of others, and marks what it replaced", async () => {
  const original = [CLS, 3, 4, SEP, 5, 6, SEP], asked = new Set<number>();
  let rows = 0, replacements = 0;
  const device = watched((feeds, run) => {
    const ids = [...feeds.ids!.data], marks = [...feeds.replaced!.data];
    for (let at = 0; at < ids.length; at += 8) {
      const row = ids.slice(at, at + 7);
      rows++;
      row.forEach((id, i) => {
        assert.equal(marks[at + i], id === original[i] ? 0 : 1);
        assert.equal(original[i] === CLS || original[i] === SEP, id === CLS || id === SEP, `the row ${row}`);
        if (id !== original[i]) replacements++;
      });
      assert.deepEqual([ids[at + 7], marks[at + 7]], [0, 0], "padding is replaced");
    }
    return run();
  });
  const substitute = (id: number, stream: Stream) => {
    asked.add(id);
    return 7 + stream.below(9);
  };
  const settled = { ...settings, steps: 3, replaced: 0.9 };
  await pretrain({ ...base, device, sequences: new Array(16).fill(original), substitute, settings: settled });
  assert.deepEqual([...asked].sort(), [3, 4, 5, 6]);
  assert.equal(rows, 48);
  assert.ok(replacements > 0.7 * 48 * 4, `${replacements} tokens were replaced`);
});

Deno.test("pretrain() takes sequences that are nothing but special tokens", async () => {
  const empty = [[CLS, SEP], [CLS, SEP, SEP]], few = { ...settings, batch: 2, steps: 3 };
  for (const given of [empty, [...empty, ...sequences.slice(0, 2)]]) {
    const { losses, weights } = await pretrain({ ...base, sequences: given, settings: few });
    assert.ok(losses.every(Number.isFinite));
    assert.ok(Object.values(weights).every(({ data }) => data.every(Number.isFinite)));
  }
});

Deno.test("pretrain() says in which step it diverged", async () => {
  const absurd = { ...settings, learningRate: 1e30, warmup: 0 };
  await assert.rejects(
    pretrain({ ...base, settings: absurd }),
    /^Error: Pre-training diverged in step \d: lower the learning rate$/,
  );
});
