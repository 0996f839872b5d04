import type { Event } from "../events.ts";

/** Shows a run. */
export interface Reporter {
  report(event: Event): void;
  /** Leaves the terminal as it was. Needed only if a run ends without its `done` event. */
  close(): void;
}
