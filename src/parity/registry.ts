/** Which kinds of fixtures can be checked: one line per kind, loaded when a fixture of that kind is met. */
import type { Checker } from "./checker.ts";

export const CHECKERS: Readonly<Record<string, () => Promise<{ readonly check: Checker }>>> = {
  "adalora": () => import("./kinds/adalora.ts"),
  "adamw-trajectory": () => import("./kinds/adamw_trajectory.ts"),
  "adapters": () => import("./kinds/adapters.ts"),
  "bayesian-bits": () => import("./kinds/bayesian_bits.ts"),
  "bitfit": () => import("./kinds/bitfit.ts"),
  "deberta-forward": () => import("./kinds/deberta_forward.ts"),
  "glue-metrics": () => import("./kinds/glue_metrics.ts"),
  "lora": () => import("./kinds/lora.ts"),
  "relative-position": () => import("./kinds/relative_position.ts"),
  "tokenizer": () => import("./kinds/tokenizer.ts"),
};
