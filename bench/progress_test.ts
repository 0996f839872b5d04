import assert from "node:assert/strict";
import { expectedSeconds, Progress } from "./progress.ts";
import { SHAPES } from "./shapes.ts";

Deno.test("Progress judges what is left by what has passed", async () => {
  let now = 0;
  const lines: string[] = [], progress = new Progress([10, 30, 20], (line) => lines.push(line), () => now);
  await progress.during("one", () => Promise.resolve(now += 20));
  await progress.during("two", (tell) => {
    now += 30;
    tell(0.5);
    now += 1;
    tell(0.6); // too soon for another line
    now += 29;
    return Promise.resolve();
  });
  await progress.during("three", () => Promise.resolve(now += 40));
  assert.deepEqual(lines, [
    "[1/3] one; about 1 min left",
    "[2/3] two; about 1 min 40 s left",
    "[2/3] two, 50 %; about 1 min 10 s left",
    "[3/3] three; about 40 s left",
  ]);
});

Deno.test("expectedSeconds() expects more of more steps, tokens, layers and of slower engines", () => {
  const row = { engine: "native", steps: 3, ...SHAPES.xsmall! };
  const least = expectedSeconds(row);
  assert.ok(least > 2);
  for (const more of [{ steps: 9 }, { length: 256 }, { batch: 32 }, { engine: "pytorch" }, SHAPES.base!]) {
    assert.ok(expectedSeconds({ ...row, ...more }) > least, JSON.stringify(more));
  }
});
