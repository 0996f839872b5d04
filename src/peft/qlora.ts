/** QLoRA: LoRA beside weights frozen in 4-bit NormalFloat (Dettmers et al. 2023, arXiv 2305.14314, eq. 5 and 6). */
import { z } from "zod";
import { NF4, roundToBlocks } from "../quantization/normal_float.ts";
import { lowRankAdapter, type LowRankOptions, lowRankOptions } from "./low_rank.ts";
import type { Method } from "./method.ts";
import { overQuantized } from "./quantized.ts";

export const qlora: Method<LowRankOptions> = {
  name: "qlora",
  label: "QLoRA",
  title: "low-rank adapters on 4-bit NormalFloat weights",
  reference: "Dettmers et al. 2023, arXiv 2305.14314",
  options: z.strictObject(lowRankOptions),
  attach: (config, options) =>
    overQuantized(lowRankAdapter(config, options, { rank: options.rank }), {
      config,
      target: options.target,
      bits: NF4.bits,
      round: (W) => roundToBlocks(W, NF4),
    }),
};
