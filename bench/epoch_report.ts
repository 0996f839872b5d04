/** What a comparison of epochs looks like: a table and a picture. */
import { markdownTable } from "markdown-table";
import { type TaskName, TASKS } from "../src/glue/tasks.ts";
import type { Figure } from "../src/render/figure.ts";
import { bars, SIDES } from "./bars.ts";
import type { Epochs } from "./epoch.ts";
import { describe, measuredOn } from "./machine.ts";
import { timesInWords } from "./statistics.ts";

const titleOf = (task: string) => TASKS[task as TaskName].title;

export function epochTable({ epochs }: Pick<Epochs, "epochs">): string {
  const rows = epochs.flatMap(({ task, shape, examples, sides }) =>
    Object.entries(sides).map(([side, one]) => [
      titleOf(task),
      shape,
      `${examples}`,
      SIDES[side]!,
      one.seconds.toFixed(0),
      one.compiling_seconds.toFixed(0),
      one.examples_per_second.toFixed(1),
      `${(100 * one.padding_share).toFixed(0)} %`,
      `${one.peak_rss_mb}`,
    ])
  );
  const heading = ["Task", "Shape", "Examples", "Side", "Seconds", "of these compiling", "Examples/s", "Padding", "MB"];
  return markdownTable([heading, ...rows], { align: heading.map((_, i) => i < 2 || i === 3 ? "l" : "r") });
}

/** How often each side ran. */
function roundsOf({ epochs }: Epochs): string {
  const counts = epochs.flatMap(({ sides }) => Object.values(sides).map((side) => side.seconds_by_round.length));
  const threads = `${epochs[0]!.threads} threads`;
  return Math.max(...counts) === 1
    ? `One run of each side, ours first, ${threads}: a small difference says nothing.`
    : `Medians of ${timesInWords(counts, "run")} of each side, turn by turn, ${threads}.`;
}

export function epochSection(result: Epochs): string {
  return [
    "![Seconds of one epoch, ours and PyTorch's](bench/results/epoch.png)",
    epochTable(result),
    roundsOf(result),
    measuredOn(result.machine),
  ].join("\n\n");
}

export function epochFigure({ machine, epochs }: Epochs): Figure {
  const data = epochs.flatMap(({ task, shape, examples, sides }) =>
    Object.entries(sides).map(([side, { seconds }]) => ({
      side: SIDES[side]!,
      task: titleOf(task),
      shape: `${shape}, ${examples} examples`,
      seconds,
    }))
  );
  return bars({
    name: "epoch",
    title: "One epoch of LoRA",
    subtitle: [`${machine.cpu}, ${epochs[0]!.threads} threads; shorter is better`],
    caption: `Seconds of one epoch of LoRA (r = 8) by task and way of padding. ${describe(machine)}.`,
    data,
    value: { field: "seconds", title: "Seconds" },
    row: "task",
    panel: "shape",
  });
}
