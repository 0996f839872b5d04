// @ts-types="@types/cli-progress"
import { MultiBar, type SingleBar } from "cli-progress";
import type { Event } from "../events.ts";
import { messageOf } from "./plain_lines.ts";
import type { Reporter } from "./reporter.ts";
import { Tally } from "./tally.ts";
import { duration } from "./words.ts";

export interface ProgressBarsOptions {
  /** A terminal. */
  readonly stream: NodeJS.WritableStream;
  /** Show where in a step's code it failed. */
  readonly verbose?: boolean;
}

/** Wide enough for most names of steps, in characters. */
const NAME_WIDTH = 44;

/** One bar for the whole run and one for each step that runs, with the time left: for terminals. */
export class ProgressBars implements Reporter {
  readonly #tally = new Tally(() => performance.now() / 1000);
  readonly #options: ProgressBarsOptions;
  #bars: MultiBar | null = null;
  #overall: SingleBar | null = null;
  readonly #slots: SingleBar[] = [];

  constructor(options: ProgressBarsOptions) {
    this.#options = options;
  }

  report(event: Event): void {
    this.#tally.count(event);
    if (event.type === "planned" && event.fresh < event.total) this.#open(event.slots);
    const messages = messageOf(event, this.#options.verbose ?? false);
    if (event.type === "done") this.close();
    for (const line of messages) this.#say(line);
    this.#update();
  }

  close(): void {
    this.#bars?.update(); // Writes what was logged since the last time: stopping would drop it.
    this.#bars?.stop();
    this.#bars = this.#overall = null;
    this.#slots.length = 0;
  }

  #open(slots: number): void {
    if (this.#bars) return;
    this.#bars = new MultiBar({
      stream: this.#options.stream,
      format: "{name} {bar} {percentage} % {note}",
      barCompleteChar: "█",
      barIncompleteChar: "░",
      barsize: 20,
      hideCursor: true,
      clearOnComplete: true,
      linewrap: false,
      gracefulExit: false,
      autopadding: true,
      fps: 5,
    });
    this.#bars.on("redraw-pre", () => this.#update());
    this.#overall = this.#bars.create(1, 0, { name: "", note: "" });
    for (let i = 0; i < slots; i++) this.#slots.push(this.#bars.create(1, 0, { name: "", note: "" }));
  }

  #update(): void {
    const { done, total, running } = this.#tally;
    const steps = [...running];
    const partial = steps.reduce((sum, [, { fraction }]) => sum + fraction, 0);
    const note = `about ${duration(this.#tally.secondsLeft())} left`;
    this.#overall?.update((done + partial) / (total || 1), { name: fit(`${done} of ${total} steps`), note });
    this.#slots.forEach((bar, i) => {
      const [name, run] = steps[i] ?? ["", null];
      bar.update(run?.fraction ?? 0, { name: fit(name), note: run?.message ?? "" });
    });
  }

  /** Above the bars while there are any. */
  #say(line: string): void {
    if (this.#bars) this.#bars.log(`${line}\n`);
    else this.#options.stream.write(`${line}\n`);
  }
}

/** Cuts a name in its middle, or fills it up. */
function fit(name: string): string {
  if (name.length <= NAME_WIDTH) return name.padEnd(NAME_WIDTH);
  const tail = Math.floor(NAME_WIDTH / 2);
  return `${name.slice(0, NAME_WIDTH - tail - 1)}…${name.slice(-tail)}`;
}
