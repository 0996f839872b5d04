/** Times one engine, method and shape in a process of its own, so that its peak memory is its own. Prints one JSON line. */
import { encoderShapes, headShapes } from "../src/deberta/config.ts";
import { openEngine, parseEngineName } from "../src/engines/open.ts";
import { attachMethod } from "../src/peft/registry.ts";
import { float32, type HostTensors, int32, sizeOf } from "../src/tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "../src/training/adamw.ts";
import { initialize } from "../src/training/initialize.ts";
import { flatten } from "../src/training/layout.ts";
import { fineTuneProgram, frozenRegister, frozenShapes, layoutOf } from "../src/training/model.ts";
import { freshState, stepFeeds } from "../src/training/step.ts";
import { SHAPES } from "./shapes.ts";

const [engine, method, shapeName, threadCount, stepCount] = Deno.args as [string, string, string, string, string];
const { config, batch, length } = SHAPES[shapeName]!, threads = Number(threadCount);
const model = { config, adapter: attachMethod(method, config), labels: 2, classifierDropout: 0.1 };
const layout = layoutOf(model), optimizer = { ...ADAMW_DEFAULTS, maxNorm: 1 };

/** Random numbers of the right size, whose values cannot matter to the time: a short pattern, repeated. */
function randomTensor(name: string, shape: readonly number[]): HostTensors[string] {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    data[i] = name.endsWith("LayerNorm.weight") ? 1 : ((i * 7919) % 1009 - 504) / 504 * 0.035;
  }
  return float32(shape, data);
}

const weights = Object.fromEntries(
  Object.entries({ ...encoderShapes(config), ...headShapes(config, 2) }).map((
    [name, shape],
  ) => [name, randomTensor(name, shape)]),
);
const ranges = new Map<string, number>();
for (const { initial } of Object.values(model.adapter.parameters)) {
  if (initial.kind === "log-step") { for (const probe of initial.probes) ranges.set(probe, 3); }
}
const own = Object.entries(model.adapter.parameters).map((
  [name, { shape, initial }],
) => [name, initialize(name, shape, initial, 0, ranges)]);
const device = await openEngine(parseEngineName(engine), { threads });
device.write(
  Object.fromEntries(Object.keys(frozenShapes(model)).map((name) => [frozenRegister(name), weights[name]!])),
);
device.write(freshState(flatten(layout, { ...weights, ...Object.fromEntries(own) })));
const program = await device.load(fineTuneProgram(model, optimizer, batch, length));

const ids = Array.from(
  { length: batch * length },
  (_, i) => i % length < length * 3 / 4 ? 1 + (i * 7919) % (config.vocabulary - 1) : 0,
);
const feeds = {
  ids: int32([batch, length], ids),
  mask: float32([batch, length], ids.map((id) => id === 0 ? 0 : 1)),
  labels: int32([batch], Array.from({ length: batch }, (_, i) => i % 2)),
  weights: float32([batch], new Array(batch).fill(1 / batch)),
};
const rates = {
  weights: { lr: 1e-4, weightDecay: 0.01 },
  biases: { lr: 1e-4, weightDecay: 0 },
  gates: { lr: 1e-2, weightDecay: 0 },
};
const times: number[] = [], steps = Number(stepCount), warmUp = Math.max(2, Math.floor(steps / 4));
for (let step = 1; step <= warmUp + steps; step++) {
  const started = performance.now();
  await program.run({ ...feeds, ...stepFeeds(layout, rates, step, optimizer) }, { seed: 0, step });
  if (step > warmUp) times.push(performance.now() - started);
}
times.sort((a, b) => a - b);
const ms = times[times.length >> 1]!;
console.log(JSON.stringify({
  engine,
  method,
  shape: shapeName,
  batch,
  length,
  threads,
  ms_per_step: Number(ms.toFixed(2)),
  tokens_per_second: Math.round(batch * length / ms * 1000),
  peak_rss_mb: peakMegabytes(),
}));
Deno.exit(0);

/** The most memory the process has held: the kernel's count where there is one, else what it holds now. */
function peakMegabytes(): number {
  try {
    const line = Deno.readTextFileSync("/proc/self/status").match(/VmHWM:\s+(\d+) kB/);
    if (line) return Math.round(Number(line[1]) / 1000);
  } catch { /* not Linux */ }
  return Math.round(Deno.memoryUsage().rss / 1e6);
}
