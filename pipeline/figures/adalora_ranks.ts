/** Where AdaLoRA spends its budget: the paper's fourth figure. */
import type { Figure } from "../../src/render/figure.ts";
import type { Results } from "../results.ts";
import { rankMap } from "./rank_map.ts";

/** The task of the paper's figure. */
export const ADALORA_TASK = "mnli";

export function adaloraRanks(results: Results): Figure {
  return rankMap(results, {
    name: "adalora-ranks",
    title: "Effective rank of the AdaLoRA update",
    method: "adalora",
    tasks: [ADALORA_TASK],
  });
}
