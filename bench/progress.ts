/** Says on standard error what is being measured, and about how long the rest takes. */
import { duration } from "../src/graph/reporters/words.ts";
import type { Request } from "./request.ts";

/** Times as slow as ours. */
const PACES: Readonly<Record<string, number>> = { native: 1, pytorch: 2 };

/** Seconds that a row is thought to take, before anything was measured. */
export function expectedSeconds(
  { engine, config, batch, length, steps }: Omit<Request, "shape" | "method" | "target" | "threads">,
): number {
  const start = engine === "pytorch" ? 6 : 2, pace = PACES[engine] ?? 4;
  const { hidden, layers, ffn } = config, weights = layers * hidden * (4 * hidden + 2 * ffn);
  const flops = 6 * batch * length * (weights + layers * 4 * length * hidden);
  return start + Math.max(steps + 2, 1.25 * steps) * pace * flops / 50e9;
}

export class Progress {
  #done = 0;
  #left: number;
  #passed = 0;
  #expected = 0;
  #since = 0;

  /**
   * @param expected seconds by run, in order: only their ratios count once some have ended
   * @param clock seconds that pass, from any origin
   */
  constructor(
    readonly expected: readonly number[],
    readonly write: (line: string) => void = console.error,
    readonly clock: () => number = () => performance.now() / 1000,
  ) {
    this.#left = expected.reduce((a, b) => a + b, 0);
  }

  /** Runs what comes next. @param fraction of it that is done can be told meanwhile */
  async during<T>(what: string, run: (tell: (fraction: number) => void) => Promise<T>): Promise<T> {
    const own = this.expected[this.#done]!;
    const line = (fraction: number, seconds: number) => {
      const place = `[${this.#done + 1}/${this.expected.length}]`,
        part = fraction && `, ${Math.floor(100 * fraction)} %`;
      this.write(`${place} ${what}${part || ""}; about ${duration(seconds)} left`);
    };
    line(0, this.#pace() * this.#left);
    const began = this.#since = this.clock();
    const result = await run((fraction) => {
      const now = this.clock();
      if (now - this.#since < 5) return; // often enough for a line
      this.#since = now;
      const pace = (this.#passed + now - began) / (this.#expected + own * fraction);
      line(fraction, pace * (this.#left - own * fraction));
    });
    this.#passed += this.clock() - began;
    this.#expected += own;
    this.#left -= own;
    this.#done++;
    return result;
  }

  #pace(): number {
    return this.#expected > 0 ? this.#passed / this.#expected : 1;
  }
}
