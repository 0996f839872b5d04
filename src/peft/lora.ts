/** LoRA: W0 + (alpha / r) B A beside frozen projections (Hu et al. 2022, arXiv 2106.09685, eq. 3). */
import { z } from "zod";
import { lowRankAdapter, type LowRankOptions, lowRankOptions } from "./low_rank.ts";
import type { Method } from "./method.ts";

export const lora: Method<LowRankOptions> = {
  name: "lora",
  label: "LoRA",
  title: "low-rank adapters",
  reference: "Hu et al. 2022, arXiv 2106.09685",
  options: z.strictObject(lowRankOptions),
  attach: (config, options) => lowRankAdapter(config, options, { rank: options.rank }),
};
