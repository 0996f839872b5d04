/** The most memory in MB that the process has held: the kernel's count (its kB are 1024 bytes), else what it holds now. */
export function peakMegabytes(): number {
  try {
    const line = Deno.readTextFileSync("/proc/self/status").match(/VmHWM:\s+(\d+) kB/);
    if (line) return Math.round(Number(line[1]) * 1024 / 1e6);
  } catch { /* not Linux */ }
  return Math.round(Deno.memoryUsage().rss / 1e6);
}
