/** What a benchmark ran on: the one thing besides times that its numbers depend on. */
import denoJson from "../deno.json" with { type: "json" };

export type Machine = Readonly<Record<string, string | number>>;

/** @param versions of libraries on other sides of a comparison */
export function machine(versions: Readonly<Record<string, string>> = {}): Machine {
  return {
    cpu: processor(),
    cores: navigator.hardwareConcurrency,
    arch: Deno.build.arch,
    os: `${Deno.build.os} ${Deno.osRelease().split(".").slice(0, 2).join(".")}`,
    deno: Deno.version.deno,
    onnxruntime: denoJson.imports["onnxruntime-node"].split("@").at(-1)!,
    tfjs: denoJson.imports["@tensorflow/tfjs"].split("@").at(-1)!,
    ...versions,
  };
}

/** The machine in a line. */
export function describe({ cpu, cores, arch, os, ...versions }: Machine): string {
  const libraries = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", ");
  return `${cpu}, ${cores} cores, ${os}, ${arch}; ${libraries}`;
}

/** The machine as a paragraph of the README, in lines of 120 characters at most. */
export function measuredOn(machine: Machine): string {
  return `Measured on: ${describe(machine)}.`.replace(/(.{1,120})(?:\s+|$)/g, "$1\n").trimEnd();
}

/** What differs between two machines, in words; nothing if they are the same. */
export function differences(before: Machine, now: Machine): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((name) => before[name] !== now[name])
    .map((name) => `${name} ${before[name] ?? "none"}, now ${now[name] ?? "none"}`);
}

/** Says on standard error if something else uses the machine. */
export function warnIfBusy(write: (line: string) => void = console.error, load = Deno.loadavg()[0]!): void {
  if (load < 0.7) return;
  write(
    `Warning: this machine is busy (load ${load.toFixed(1)}), so times say little: do it again when nothing else runs`,
  );
}

function processor(): string {
  try {
    return Deno.readTextFileSync("/proc/cpuinfo").match(/model name\s*:\s*(.+)/)?.[1] ?? "unknown";
  } catch {
    return "unknown";
  }
}
