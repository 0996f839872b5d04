/** Times one engine, method and shape in a process of its own, so that its peak memory is its own. Prints one JSON line. */
import { peakMegabytes } from "./memory.ts";
import { given, type Request, type Row } from "./request.ts";
import { median, rounded } from "./statistics.ts";
import { giveUp, openStep, optionsOf } from "./train_step.ts";

const request = given<Request>(),
  { config: _, steps, ...described } = request,
  { engine, method, batch, length } = request;
const { run, finish } = await openStep(engine, method, request, optionsOf(request)).catch(giveUp);
const times: number[] = [], warmUp = Math.max(2, Math.floor(steps / 4));
for (let step = 1; step <= warmUp + steps; step++) {
  const started = performance.now();
  await run(step);
  if (step > warmUp) times.push(performance.now() - started);
}
// The copy of the table that finishing makes is no step's memory.
const peak_rss_mb = peakMegabytes();
// All steps, those of warm-up too, put work off until now: each of them gets an equal share of its time.
const finishing = performance.now();
finish();
const ms = median(times) + (performance.now() - finishing) / (warmUp + steps);
const row: Row = {
  ...described,
  ms_per_step: rounded(ms, 2),
  tokens_per_second: Math.round(batch * length / ms * 1000),
  peak_rss_mb,
};
console.log(JSON.stringify(row));
Deno.exit(0);
