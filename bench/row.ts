/** Times one engine, method and shape in a process of its own, so that its peak memory is its own. Prints one JSON line. */
import { SHAPES } from "./shapes.ts";
import { giveUp, openStep } from "./train_step.ts";

const [engine, method, shapeName, threadCount, stepCount] = Deno.args as [string, string, string, string, string];
const target = Deno.args[5];
const shape = SHAPES[shapeName]!, { batch, length } = shape, threads = Number(threadCount);
const { run } = await openStep(engine, method, shape, { threads }, target).catch(giveUp);
const times: number[] = [], steps = Number(stepCount), warmUp = Math.max(2, Math.floor(steps / 4));
for (let step = 1; step <= warmUp + steps; step++) {
  const started = performance.now();
  await run(step);
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
