/** Reads the traces that ONNX Runtime writes with profiling on (Chrome's trace format, one event per operator and run). */

export interface Event {
  readonly cat: string;
  readonly name: string;
  /** Microseconds: when it began, and how long it took. */
  readonly ts: number;
  readonly dur: number;
  readonly args: { readonly node_index?: string; readonly op_name?: string; readonly provider?: string };
}

export interface KernelTime {
  /** Place in the graph. */
  readonly node: number;
  readonly provider: string;
  readonly ms: number;
}

/**
 * Mean milliseconds of each operator in the last runs of a session. Operators that the runtime put in itself, such as copies
 * between processors, have no place in the graph and are left out. What runs inside of an If counts as the If's.
 * @param operators of the graph, in order
 * @param runs the last so many count; those before warm up
 */
export function kernelTimes(events: readonly Event[], operators: readonly string[], runs: number): KernelTime[] {
  const durations = new Map<number, { provider: string; us: number[] }>();
  for (const { dur, args: { node_index, op_name, provider } } of outermost(events)) {
    const node = Number(node_index);
    if (operators[node] !== op_name) continue;
    const known = durations.get(node);
    if (known) known.us.push(dur);
    else durations.set(node, { provider: provider ?? "unknown", us: [dur] });
  }
  return [...durations].map(([node, { provider, us }]) => {
    const last = us.slice(-runs);
    return { node, provider, ms: last.reduce((a, b) => a + b, 0) / last.length / 1000 };
  });
}

/** The times of kernels that no other kernel ran, in order. */
function outermost(events: readonly Event[]): Event[] {
  let end = -1;
  return events.filter(({ cat, name }) => cat === "Node" && name.endsWith("_kernel_time"))
    .sort((a, b) => a.ts - b.ts || b.dur - a.dur)
    .filter(({ ts, dur, args }) => {
      const inside = ts < end;
      if (!inside && args.op_name === "If") end = ts + dur;
      return !inside;
    });
}

/** Milliseconds per label, the largest first. */
export function sumBy(times: readonly KernelTime[], label: (time: KernelTime) => string): Record<string, number> {
  const sums = new Map<string, number>();
  for (const time of times) sums.set(label(time), (sums.get(label(time)) ?? 0) + time.ms);
  return Object.fromEntries(
    [...sums].sort(([, a], [, b]) => b - a).map(([name, ms]) => [name, Math.round(ms * 100) / 100]),
  );
}
