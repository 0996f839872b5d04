import type { Event } from "../events.ts";

/** What is known of a step that runs. */
interface Running {
  /** When it started, in the tally's clock. */
  readonly since: number;
  readonly fraction: number;
  readonly message: string;
}

/** Where a run stands, counted from its events: what every progress display shows. */
export class Tally {
  total = 0;
  done = 0;
  readonly running = new Map<string, Running>();
  #slots = 1;
  /** Expected cost of each step that has not ended, running ones included. */
  readonly #cost = new Map<string, number>();
  /** Of computed steps: expected cost, and seconds measured. */
  #spentCost = 0;
  #spentSeconds = 0;

  /** @param clock seconds that pass, from any origin */
  constructor(readonly clock: () => number) {}

  count(event: Event): void {
    switch (event.type) {
      case "planned":
        this.total = event.total;
        this.#slots = event.slots;
        this.done = 0;
        this.#cost.clear();
        for (const [step, cost] of Object.entries(event.pending)) this.#cost.set(step, cost);
        break;
      case "started":
        this.running.set(event.step, { since: this.clock(), fraction: 0, message: "" });
        break;
      case "progress": {
        const { fraction, message = "" } = event, since = this.running.get(event.step)?.since;
        if (since !== undefined) this.running.set(event.step, { since, fraction, message });
        break;
      }
      case "finished":
        if (event.how === "computed") {
          this.#spentCost += this.#cost.get(event.step) ?? 0;
          this.#spentSeconds += event.seconds;
        }
        this.done++;
        this.#end(event.step);
        break;
      case "failed":
      case "skipped":
        this.#end(event.step);
        break;
      case "warning":
      case "done":
    }
  }

  /**
   * Seconds until the end: expected cost left, at the pace measured so far, shared by the slots, but no less than the
   * longest step alone needs. Before anything was measured a unit of cost counts as a second.
   */
  secondsLeft(): number {
    let cost = this.#spentCost, seconds = this.#spentSeconds, left = 0, longest = 0;
    for (const [step, own] of this.#cost) {
      const run = this.running.get(step), fraction = run?.fraction ?? 0;
      if (run && fraction > 0) cost += own * fraction, seconds += this.clock() - run.since;
      left += own * (1 - fraction);
      longest = Math.max(longest, own * (1 - fraction));
    }
    const pace = cost > 0 && seconds > 0 ? seconds / cost : 1;
    return pace * Math.max(left / this.#slots, longest);
  }

  #end(step: string): void {
    this.running.delete(step);
    this.#cost.delete(step);
  }
}
