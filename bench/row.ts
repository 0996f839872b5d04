/** Times one engine, method and shape in a process of its own, so that its peak memory is its own. Prints one JSON line. */
import { encoderShapes, headShapes } from "../src/deberta/config.ts";
import { openEngine, parseEngineName } from "../src/engines/open.ts";
import { attachMethod } from "../src/peft/registry.ts";
import { float32, type HostTensors, int32, sizeOf } from "../src/tensor/host_tensor.ts";
import { ADAMW_DEFAULTS } from "../src/training/adamw.ts";
import { calibrateProgram, fineTuneProgram, layoutOf } from "../src/training/model.ts";
import { calibrates, startingTensors, startRegisters } from "../src/training/start.ts";
import { stepFeeds } from "../src/training/step.ts";
import { SHAPES } from "./shapes.ts";

const [engine, method, shapeName, threadCount, stepCount] = Deno.args as [string, string, string, string, string];
const target = Deno.args[5];
const { config, batch, length } = SHAPES[shapeName]!, threads = Number(threadCount);
const model = {
  config,
  adapter: attachMethod(method, config, target ? { target } : {}),
  labels: 2,
  classifierDropout: 0.1,
};
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
const ids = Array.from(
  { length: batch * length },
  (_, i) => i % length < length * 3 / 4 ? 1 + (i * 7919) % (config.vocabulary - 1) : 0,
);
const tokens = {
  ids: int32([batch, length], ids),
  mask: float32([batch, length], ids.map((id) => id === 0 ? 0 : 1)),
};
const device = await openEngine(parseEngineName(engine), { threads });
let seen: HostTensors = {};
if (calibrates(model.adapter)) {
  device.write(startRegisters(model, startingTensors(model, weights, 0, null)));
  const calibration = await device.load(calibrateProgram(model, batch, length));
  seen = await calibration.run(tokens);
  await calibration.dispose();
}
device.write(startRegisters(model, startingTensors(model, weights, 0, seen)));
const program = await device.load(fineTuneProgram(model, optimizer, batch, length));

const feeds = {
  ...tokens,
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
  target: target ?? null,
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
