import type { Done } from "../events.ts";

/** A duration as people say it: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
}

/** The last lines of a run. */
export function summary(done: Done): string[] {
  const counts = [
    `${done.computed} computed`,
    `${done.cached} up to date`,
    ...(done.failed.length ? [`${done.failed.length} failed`] : []),
    ...(done.skipped.length ? [`${done.skipped.length} skipped`] : []),
  ].join(", ");
  const verb = { ok: "Done", failed: "Failed", interrupted: "Interrupted" }[done.status];
  const lines = [`${verb} in ${duration(done.seconds)}: ${counts}`];
  if (done.failed.length) lines.push(`Failed: ${done.failed.join(", ")}`);
  if (done.status === "interrupted") lines.push("What has ended is kept: the same command goes on from there");
  return lines;
}
