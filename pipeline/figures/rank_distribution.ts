/** Where the update needs rank: the paper's second figure. */
import type { Figure } from "../../src/render/figure.ts";
import { tasksOf } from "../analysis/runs.ts";
import type { Results } from "../results.ts";
import { rankMap } from "./rank_map.ts";

export function rankDistribution(results: Results): Figure {
  return rankMap(results, {
    name: "rank-distribution",
    title: "Effective rank of the B-LoRA update",
    method: "blora",
    tasks: tasksOf(results),
  });
}
