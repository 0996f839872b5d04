import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import type { Done, Event } from "../events.ts";
import type { StepKey } from "../fingerprint.ts";
import { JsonLines } from "./json_lines.ts";
import { PlainLines } from "./plain_lines.ts";
import { ProgressBars } from "./progress_bars.ts";
import { Tally } from "./tally.ts";
import { duration } from "./words.ts";

const key = "a".repeat(64) as StepKey;
const planned: Event = { type: "planned", total: 5, fresh: 1, pending: { a: 10, b: 10, c: 20, d: 40 }, slots: 2 };
const cached: Event = { type: "finished", step: "z", how: "cached", key, seconds: 0 };
const done: Done = { type: "done", status: "ok", computed: 4, cached: 1, failed: [], skipped: [], seconds: 200 };

/** A tally in a clock that a test moves. */
function tallyAt() {
  const clock = { now: 0 }, tally = new Tally(() => clock.now);
  const count = (...events: Event[]) => events.forEach((event) => tally.count(event));
  return { clock, tally, count };
}

Deno.test("tally.secondsLeft() shares expected cost between slots before anything was measured", () => {
  const { tally, count } = tallyAt();
  count(planned, cached);
  assert.equal(tally.secondsLeft(), 40);
  assert.deepEqual([tally.done, tally.total], [1, 5]);
});

Deno.test("tally.secondsLeft() goes by the measured pace, and by how far running steps are", () => {
  const { tally, count, clock } = tallyAt();
  count(planned, { type: "started", step: "a" }, { type: "finished", step: "a", how: "computed", key, seconds: 5 });
  assert.equal(tally.secondsLeft(), 0.5 * 40, "the longest step bounds it: 70 / 2 is less than 40");
  count({ type: "started", step: "d" });
  clock.now = 15;
  count({ type: "progress", step: "d", fraction: 0.75 });
  assert.equal(tally.secondsLeft(), 0.5 * 20);
  count({ type: "failed", step: "c", message: "no" }, { type: "skipped", step: "b", because: "so" });
  assert.equal(tally.secondsLeft(), 0.5 * 10);
});

Deno.test("tally.secondsLeft() does not take a cached step for a fast one", () => {
  const { tally, count } = tallyAt();
  count(planned, { type: "finished", step: "d", how: "cached", key, seconds: 0 });
  assert.equal(tally.secondsLeft(), 20);
});

Deno.test("duration() speaks as people do", () => {
  const said = [0, 9.94, 9.96, 59.6, 200, 240, 3599.7, 7500].map(duration);
  assert.deepEqual(said, ["0.0 s", "9.9 s", "10 s", "1 min", "3 min 20 s", "4 min", "1 h", "2 h 5 min"]);
});

Deno.test("PlainLines writes a line per computed step with the count and the time left", () => {
  const lines: string[] = [];
  const reporter = new PlainLines({ write: (text) => lines.push(text), clock: () => 0 });
  const events: Event[] = [
    planned,
    cached,
    { type: "started", step: "a" },
    { type: "finished", step: "a", how: "computed", key, seconds: 5 },
    { type: "warning", step: "b", message: "it is odd" },
    { type: "failed", step: "b", message: "A bug", trace: "at b.ts" },
    { type: "skipped", step: "c", because: 'it needs "b", which failed' },
    { ...done, status: "failed", failed: ["b"], skipped: ["c"] },
  ];
  events.forEach((event) => reporter.report(event));
  assert.equal(
    lines.join(""),
    `5 steps, 1 up to date, 4 to run; about 40 s left
[2/5] a (5.0 s); about 20 s left
Warning: b: it is odd
Failed: b: A bug
Skipped: c: it needs "b", which failed
Failed in 3 min 20 s: 4 computed, 1 up to date, 1 failed, 1 skipped
Failed: b
`,
  );
});

Deno.test("PlainLines breaks a silence with where it stands", async () => {
  const second = Promise.withResolvers<string>(), lines: string[] = [];
  const write = (text: string) => {
    if (lines.push(text) === 2) second.resolve(text);
  };
  const reporter = new PlainLines({ write, interval: 10, clock: () => 0 });
  reporter.report(planned);
  reporter.report({ type: "started", step: "d" });
  reporter.report({ type: "progress", step: "d", fraction: 0.5, message: "epoch 2" });
  const alive = setInterval(() => {}, 1000);
  assert.equal(await second.promise, "[0/5] running d 50 % (epoch 2); about 30 s left\n");
  clearInterval(alive);
  reporter.close();
});

Deno.test("PlainLines shows where a bug is when it is asked to", () => {
  const lines: string[] = [];
  const reporter = new PlainLines({ write: (text) => lines.push(text), verbose: true });
  reporter.report({ type: "failed", step: "b", message: "A bug", trace: "at b.ts" });
  reporter.close();
  assert.deepEqual(lines, ["Failed: b: A bug\n", "at b.ts\n"]);
});

Deno.test("JsonLines writes each event as one line of JSON", () => {
  const lines: string[] = [];
  const reporter = new JsonLines((text) => lines.push(text));
  [planned, done].forEach((event) => reporter.report(event));
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [planned, done]);
  assert.ok(lines.every((line) => line.endsWith("\n") && line.indexOf("\n") === line.length - 1));
});

Deno.test("ProgressBars shows the whole run and what runs, messages above, and ends with a summary", async () => {
  const stream = Object.assign(new PassThrough({ encoding: "utf8" }), { isTTY: true, columns: 120, rows: 30 });
  let text = "";
  stream.on("data", (chunk: string) => text += chunk);
  const reporter = new ProgressBars({ stream });
  reporter.report(planned);
  reporter.report({ type: "started", step: "finetune/lora/cola/seed-1" });
  reporter.report({ type: "progress", step: "finetune/lora/cola/seed-1", fraction: 0.5, message: "epoch 2" });
  reporter.report({ type: "warning", message: "odd" });
  await new Promise((resolve) => setTimeout(resolve, 300));
  reporter.report({ type: "failed", step: "b", message: "A bug" });
  reporter.report(done);
  assert.match(text, /Failed: b: A bug\n/);
  assert.match(text, /0 of 5 steps .*left/);
  assert.match(text, /finetune\/lora\/cola\/seed-1 .* 50 % epoch 2/);
  assert.match(text, /Warning: odd\n/);
  assert.match(text, /Done in 3 min 20 s: 4 computed, 1 up to date\n$/);
});
