import { clearTimeout, setTimeout } from "node:timers";
import type { Event } from "../events.ts";
import type { Reporter } from "./reporter.ts";
import { Tally } from "./tally.ts";
import { duration, summary } from "./words.ts";

export interface PlainLinesOptions {
  write(text: string): void;
  /** Show where in a step's code it failed. */
  readonly verbose?: boolean;
  /** Longest silence, in milliseconds. */
  readonly interval?: number;
  /** Seconds that pass, from any origin. */
  readonly clock?: () => number;
}

/** A line per step that ended, and one every few seconds while none does: for logs and pipes. */
export class PlainLines implements Reporter {
  readonly #options: PlainLinesOptions;
  readonly #tally: Tally;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PlainLinesOptions) {
    this.#options = options;
    this.#tally = new Tally(options.clock ?? (() => performance.now() / 1000));
  }

  report(event: Event): void {
    this.#tally.count(event);
    for (const line of this.#linesOf(event)) this.#print(line);
    if (event.type === "done") this.close();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #linesOf(event: Event): string[] {
    switch (event.type) {
      case "planned": {
        const left = event.total - event.fresh;
        return [
          `${event.total} steps, ${event.fresh} up to date, ${left} to run${left > 0 ? `; ${this.#left()}` : ""}`,
        ];
      }
      case "finished":
        if (event.how === "cached") return [];
        return [`${this.#count()} ${event.step} (${duration(event.seconds)}); ${this.#left()}`];
      default:
        return messageOf(event, this.#options.verbose ?? false);
    }
  }

  /** Prints, and makes sure that the next line is not long in coming. */
  #print(line: string): void {
    this.#options.write(`${line}\n`);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#print(this.#heartbeat()), this.#options.interval ?? 5000);
    this.#timer.unref(); // Silence alone must not keep the process alive.
  }

  #heartbeat(): string {
    const steps = [...this.#tally.running].map(([step, { fraction, message }]) =>
      `${step}${fraction > 0 ? ` ${Math.floor(100 * fraction)} %` : ""}${message ? ` (${message})` : ""}`
    );
    return `${this.#count()} running ${steps.join(", ") || "nothing"}; ${this.#left()}`;
  }

  #count(): string {
    return `[${this.#tally.done}/${this.#tally.total}]`;
  }

  #left(): string {
    return `about ${duration(this.#tally.secondsLeft())} left`;
  }
}

/** What failures, warnings and the end of a run say, on every display. */
export function messageOf(event: Event, verbose: boolean): string[] {
  switch (event.type) {
    case "failed":
      return [`Failed: ${event.step}: ${event.message}`, ...(verbose && event.trace ? [event.trace] : [])];
    case "skipped":
      return [`Skipped: ${event.step}: ${event.because}`];
    case "warning":
      return [`Warning: ${event.step ? `${event.step}: ` : ""}${event.message}`];
    case "done":
      return summary(event);
    default:
      return [];
  }
}
