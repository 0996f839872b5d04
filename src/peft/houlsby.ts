/**
 * Houlsby's adapters: one after each of a layer's two sublayers (Houlsby et al. 2019, arXiv 1902.00751, section 2.1). With half
 * the width of Pfeiffer's they train as many parameters: the published comparison has 32, 16, 8 against 64, 32, 16.
 */
import { bottleneckMethod } from "./bottleneck.ts";

export const houlsby = bottleneckMethod({
  name: "houlsby",
  label: "HAdapter",
  title: "adapters after both sublayers",
  reference: "Houlsby et al. 2019, arXiv 1902.00751",
  after: ["attention-output", "output"],
  bottleneck: 16,
});
