/** Times LoRA's training step at one point of the scaling benchmark, in a process of its own. Prints one line of JSON. */
import { trainingFeeds } from "../src/training/batches.ts";
import { given } from "./request.ts";
import type { Point } from "./scaling.ts";
import { median } from "./statistics.ts";
import { openLora } from "./lora.ts";

const { shape: { config, batch, length }, rank, threads, steps } = given<
  Point & { readonly threads: number; readonly steps: number }
>();
const { compile } = await openLora({ config, rank, batch, threads }), run = await compile(length);
const ids = Array.from({ length }, (_, i) => 1 + i * 7919 % (config.vocabulary - 1));
const examples = Array.from({ length: batch }, (_, i) => ({ ids, label: i % 2 }));
const feeds = trainingFeeds(examples, { indices: examples.map((_, i) => i), length }, batch, false);
const times: number[] = [];
for (let step = 1; step <= steps + 2; step++) {
  const started = performance.now();
  await run(feeds, step);
  if (step > 2) times.push(performance.now() - started);
}
console.log(JSON.stringify(median(times)));
Deno.exit(0);
