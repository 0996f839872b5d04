/**
 * Pfeiffer's adapters: one after each layer's feed-forward sublayer (Pfeiffer et al. 2021, arXiv 2005.00247), here just where
 * Houlsby's second one is.
 */
import { bottleneckMethod } from "./bottleneck.ts";

export const pfeiffer = bottleneckMethod({
  name: "pfeiffer",
  label: "PAdapter",
  title: "adapters after the feed-forward sublayer",
  reference: "Pfeiffer et al. 2021, arXiv 2005.00247",
  after: ["output"],
  bottleneck: 32,
});
