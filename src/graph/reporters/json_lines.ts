import type { Event } from "../events.ts";
import type { Reporter } from "./reporter.ts";

/** One JSON object per event and line, for programs. */
export class JsonLines implements Reporter {
  constructor(readonly write: (text: string) => void) {}

  report(event: Event): void {
    this.write(`${JSON.stringify(event)}\n`);
  }

  close(): void {}
}
