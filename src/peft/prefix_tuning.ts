/**
 * Prefix tuning: every layer attends to virtual keys and values besides those of the text (Li and Liang 2021,
 * arXiv 2101.00190).
 *
 * [choice] Keys and values train directly, without the network that the paper generates them with and throws away after
 * training (P-tuning v2, Liu et al. 2022, arXiv 2110.07602, finds that it helps on some tasks and harms on others).
 */
import { z } from "zod";
import { fromPeft, fullPrecision, type Method, toPeft } from "./method.ts";

const options = z.strictObject({
  /** Virtual keys and values of each layer. */
  tokens: z.int().min(1).default(8),
  /** Standard deviation that they start with. */
  std: z.number().positive().default(0.02),
});
export type PrefixTuningOptions = z.infer<typeof options>;

export const prefixTuning: Method<PrefixTuningOptions> = {
  name: "prefix-tuning",
  label: "Prefix tuning",
  title: "trained keys and values in every layer",
  reference: "Li and Liang 2021, arXiv 2101.00190",
  options,
  attach: ({ layers, hidden }, { tokens, std }) => {
    const name = (layer: number, part: "key" | "value") => `prefix.${layer}.${part}`;
    const all = Array.from({ length: layers }, (_, layer) => [name(layer, "key"), name(layer, "value")]).flat();
    return {
      trainsBackbone: [],
      parameters: Object.fromEntries(
        all.map((key) => [key, { shape: [tokens, hidden], initial: { kind: "normal", std }, group: "weights" }]),
      ),
      open: ({ parameter }) => ({
        prefix: (layer) => ({ key: parameter(name(layer, "key")), value: parameter(name(layer, "value")) }),
      }),
      observe: () => [],
      // Each query meets each virtual key and takes from each virtual value.
      costs: () => all.map((site) => fullPrecision(site, tokens * hidden)),
      save: (parameters) => ({
        config: { peft_type: "PREFIX_TUNING", task_type: "SEQ_CLS", num_virtual_tokens: tokens },
        tensors: toPeft(parameters),
      }),
      restore: ({ tensors }) => fromPeft(tensors),
    };
  },
};
