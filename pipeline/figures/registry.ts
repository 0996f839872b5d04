/** Every figure by the name that people type. */
import { unknownName } from "../../src/errors.ts";
import type { Figure } from "../../src/render/figure.ts";
import type { Profile } from "../profiles/profile.ts";
import type { Results } from "../results.ts";
import { ADALORA_TASK, adaloraRanks } from "./adalora_ranks.ts";
import { quantizationLevels } from "./quantization_levels.ts";
import { rankDistribution } from "./rank_distribution.ts";
import { scheme } from "./scheme.ts";

interface Entry {
  make(results: Results): Figure;
  /** The steps whose records it is made of, by the first segments of their names: it may look at no others. */
  readonly reads: readonly string[];
  /** Whether a profile has the runs for it. */
  has(profile: Profile): boolean;
}

const ofBlora = {
  reads: ["tokenize", "finetune/blora"],
  has: ({ methods }: Profile) => "blora" in methods,
};

const FIGURES: Readonly<Record<string, Entry>> = {
  scheme: { make: scheme, ...ofBlora },
  "rank-distribution": { make: rankDistribution, ...ofBlora },
  "quantization-levels": { make: quantizationLevels, ...ofBlora },
  "adalora-ranks": {
    make: adaloraRanks,
    reads: ["tokenize", `finetune/adalora/${ADALORA_TASK}`],
    has: ({ methods, tasks }) => "adalora" in methods && tasks.includes(ADALORA_TASK),
  },
};

export const FIGURE_NAMES: readonly string[] = Object.keys(FIGURES);

/** The figures that a profile has runs for. */
export function figuresOf(profile: Profile): string[] {
  return FIGURE_NAMES.filter((name) => FIGURES[name]!.has(profile));
}

/** A figure's entry. @throws UsageError for a name that is none, with the names there are */
export function figureNamed(name: string): Entry {
  const figure = Object.hasOwn(FIGURES, name) ? FIGURES[name] : undefined;
  if (!figure) throw unknownName("figure", name, FIGURE_NAMES);
  return figure;
}
