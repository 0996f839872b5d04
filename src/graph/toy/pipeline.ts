/** A small pipeline for tests: three kinds, ten steps. Run as a program, it is reproduced with the options given as JSON. */

import type { ReproduceOptions } from "../reproduce.ts";
import { reproduce } from "../reproduce.ts";
import type { Environment } from "../fingerprint.ts";
import type { Input, Step } from "../step.ts";

export const MODULES: Readonly<Record<string, string>> = Object.fromEntries(
  ["draw", "blend", "describe", "misbehave"].map((kind) => [kind, new URL(`./${kind}.ts`, import.meta.url).href]),
);

export const ENVIRONMENT: Environment = { common: { deno: "2.0.0" }, engines: { toy: { toy: "1.0.0" } } };

/** Where the results of {@link tenSteps} go. */
export const RESULTS = {
  "all.md": { step: "describe/all", output: "text.md" },
  "left.md": { step: "describe/left", output: "text.md" },
  "data/all.bin": { step: "blend/all", output: "bytes.bin" },
};

/** Five draws, three blends of them, two descriptions of those. @param milliseconds that each draw takes */
export function tenSteps(milliseconds = 0): Step[] {
  const draws = [1, 2, 3, 4, 5].map((seed) => ({
    ...step("draw", `draw/${seed}`, { seed, size: 100 + seed, milliseconds }, {}, ["bytes.bin"]),
    seconds: seed,
  }));
  const blends: Step[] = [
    blend("left", ["draw/1", "draw/2"]),
    blend("right", ["draw/3", "draw/4", "draw/5"]),
    blend("all", ["blend/left", "blend/right"]),
  ];
  return [...draws, ...blends, describe("left"), describe("all")];
}

/** One step of kind `misbehave`. */
export function misbehaving(behaviour: string, name = "bad", inputs: Record<string, Input> = {}, path = ""): Step {
  return step("misbehave", name, { behaviour, path }, inputs, ["out.txt"]);
}

export function step(
  kind: string,
  name: string,
  parameters: Step["parameters"],
  inputs: Step["inputs"],
  outputs: readonly string[],
): Step {
  return { kind, name, version: 1, parameters, inputs, outputs };
}

function blend(name: string, from: readonly string[]): Step {
  const inputs = Object.fromEntries(from.map((other) => [other, { step: other, output: "bytes.bin" }]));
  return { ...step("blend", `blend/${name}`, null, inputs, ["bytes.bin", "lengths.json"]), engine: "toy" };
}

function describe(name: string): Step {
  const inputs = { bytes: { step: `blend/${name}`, output: "bytes.bin" } };
  return step("describe", `describe/${name}`, { title: `Blend ${name}` }, inputs, ["text.md"]);
}

if (import.meta.main) {
  const { milliseconds, ...options } = JSON.parse(Deno.args[0] as string) as
    & { milliseconds: number }
    & Pick<ReproduceOptions, "cache" | "jobs">;
  const outcome = await reproduce({
    ...options,
    steps: tenSteps(milliseconds),
    environment: ENVIRONMENT,
    modules: MODULES,
    scope: "toy",
    emit: (event) => console.log(JSON.stringify(event)),
  });
  if (outcome.status !== "ok") Deno.exitCode = 1;
}
