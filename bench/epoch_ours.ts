/** Trains one epoch in a process of its own, with batches of examples of similar length. Prints lines of JSON. */
import { Stream } from "../src/random/stream.ts";
import { type EncodedExample, trainingBatches, trainingFeeds } from "../src/training/batches.ts";
import type { EpochRequest, EpochRow } from "./epoch.ts";
import { peakMegabytes } from "./memory.ts";
import { given } from "./request.ts";
import { openLora } from "./lora.ts";

const { examples: file, lengths, batch: size, ...request } = given<EpochRequest>();
const examples = JSON.parse(Deno.readTextFileSync(file)) as EncodedExample[];
const { compile } = await openLora({ ...request, batch: size });
const compiled = new Map<number, Awaited<ReturnType<typeof compile>>>();

let preparing = 0, tokens = 0, steps = 0;
const started = performance.now(), batches = trainingBatches(examples, size, lengths, new Stream(0, "order"));
for (const batch of batches) {
  let run = compiled.get(batch.length);
  if (!run) {
    const before = performance.now();
    compiled.set(batch.length, run = await compile(batch.length));
    preparing += performance.now() - before;
  }
  await run(trainingFeeds(examples, batch, size, false), ++steps);
  tokens += size * batch.length;
  console.log(JSON.stringify(steps / batches.length));
}
const row: EpochRow = {
  seconds: (performance.now() - started) / 1000,
  compiling_seconds: preparing / 1000,
  tokens,
  steps,
  peak_rss_mb: peakMegabytes(),
};
console.log(JSON.stringify(row));
Deno.exit(0);
