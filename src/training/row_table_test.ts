import assert from "node:assert/strict";
import { type DebertaConfig, encoderShapes, headShapes, WORD_EMBEDDINGS } from "../deberta/config.ts";
import type { Executable } from "../engines/engine.ts";
import { openEngine } from "../engines/open.ts";
import { assertSameBits } from "../engines/testing.ts";
import { attachMethod } from "../peft/registry.ts";
import { Stream } from "../random/stream.ts";
import { float32, type HostTensors, int32 } from "../tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "./adamw.ts";
import { initializeModel } from "./initialize.ts";
import { unflatten } from "./layout.ts";
import { evaluateProgram, fineTuneProgram, layoutOf, type Model } from "./model.ts";
import { RowTable } from "./row_table.ts";
import { startRegisters } from "./start.ts";
import { stateRegisters, stepFeeds } from "./step.ts";
import { TINY } from "./testing.ts";

const BATCH = 2, LENGTH = 5, STEPS = 30;
const config: DebertaConfig = { ...TINY, vocabulary: 40 };
const whole: Model = { config, adapter: attachMethod("full-ft", config), labels: 2, classifierDropout: 0 };
const byRows: Model = { ...whole, tableByRows: true };
const weights = initializeModel({ ...encoderShapes(config), ...headShapes(config, 2) }, 0.2, 3);

/** Tokens of which some come in every step, some now and then, and some never. */
function tokens(step: number): HostTensors {
  const stream = new Stream("tokens", step);
  const ids = Array.from(
    { length: BATCH * LENGTH },
    (_, i) => i % LENGTH === 0 ? 1 : 2 + stream.below(stream.below(30) + 1),
  );
  return { ids: int32([BATCH, LENGTH], ids), mask: float32([BATCH, LENGTH], ids.map(() => 1)) };
}

interface Trained {
  readonly losses: number[];
  readonly logits: Float32Array;
  readonly tensors: HostTensors;
}

/** Trains for some steps, without clipping: the norm of all gradients would be summed in another order. */
async function train(model: Model, engine: "cpu" | "portable" | "native", weightDecay: number): Promise<Trained> {
  const device = await openEngine(engine), layout = layoutOf(model), optimizer = { ...ADAMW_DEFAULTS, maxNorm: null };
  device.clear();
  device.write(startRegisters(model, structuredClone(weights)));
  const table = model.tableByRows && new RowTable(weights[WORD_EMBEDDINGS]!, "weights", optimizer);
  const [trains, reads] = [fineTuneProgram(model, optimizer, BATCH, LENGTH), evaluateProgram(model, BATCH, LENGTH)];
  const open = async (program: typeof trains, wrap: (program: Executable) => Executable) => {
    const loaded = await device.load(program);
    return table ? wrap(loaded) : loaded;
  };
  const step = await open(trains, (program) => (table as RowTable).trains(program));
  const evaluate = await open(reads, (program) => (table as RowTable).reads(program));
  const losses: number[] = [];
  for (let i = 1; i <= STEPS; i++) {
    const lr = 0.05 / i, rates = { weights: { lr, weightDecay }, biases: { lr, weightDecay: 0 } };
    const labels = { labels: int32([BATCH], [0, 1]), weights: float32([BATCH], [0.5, 0.5]) };
    losses.push(
      (await step.run({ ...tokens(i), ...labels, ...stepFeeds(layout, rates, i, optimizer) })).loss!.data[0]!,
    );
  }
  const { logits } = await evaluate.run(tokens(0));
  const tensors = unflatten(layout, (group) => device.read(stateRegisters(group).p).data);
  await Promise.all([step.dispose(), evaluate.dispose()]);
  const all = { ...tensors, ...(table && { [WORD_EMBEDDINGS]: table.values() }) };
  return { losses, logits: logits!.data as Float32Array, tensors: all };
}

for (const engine of ["cpu", "portable", "native"] as const) {
  for (const weightDecay of [0, 0.3]) {
    Deno.test(`A table trains by rows as it does whole, bit for bit, on ${engine} with weight decay ${weightDecay}`, async () => {
      const expected = await train(whole, engine, weightDecay), made = await train(byRows, engine, weightDecay);
      assert.deepEqual(made.losses, expected.losses);
      assert.deepEqual(made.logits, expected.logits);
      assert.deepEqual(Object.keys(made.tensors).sort(), Object.keys(expected.tensors).sort());
      for (const [name, tensor] of Object.entries(made.tensors)) {
        assertSameBits({ [name]: tensor }, { [name]: expected.tensors[name]! }, name);
      }
    });
  }
}

Deno.test("A row that nothing read decays with the weights, and keeps its bits where nothing decays", async () => {
  const unread = (tensors: HostTensors) => tensors[WORD_EMBEDDINGS]!.data.slice(35 * config.hidden, 36 * config.hidden);
  const [kept, decayed] = [await train(byRows, "portable", 0), await train(byRows, "portable", 0.3)];
  assert.deepEqual(unread(kept.tensors), unread(weights));
  unread(decayed.tensors).forEach((x, i) => assert.ok(Math.abs(x) < Math.abs(unread(weights)[i]!)));
});

Deno.test("values() is a copy that later steps leave alone, and the start is not changed", async () => {
  const start = float32([3, 2], [1, 2, 3, 4, 5, 6]), table = new RowTable(start, "weights", ADAMW_DEFAULTS);
  const step: Executable = {
    run: (feeds) => Promise.resolve({ ...feeds, "p:rows": float32([2], [7, 8]), loss: float32([], [1]) }),
    dispose: () => Promise.resolve(),
  };
  const before = table.values();
  const sizes = { "keep:weights": float32([], [0.5]), "rate:weights": float32([], [0]), root: float32([], [1]) };
  const results = await table.trains(step).run({ ids: int32([1, 1], [1]), ...sizes });
  assert.deepEqual([...before.data], [1, 2, 3, 4, 5, 6]);
  assert.deepEqual([...table.values().data], [0.5, 1, 7, 8, 2.5, 3]);
  assert.deepEqual([...start.data], [1, 2, 3, 4, 5, 6]);
  assert.equal(results.loss!.data[0], 1);
  assert.ok(!("p:rows" in results), "rows stay with the table");
});
