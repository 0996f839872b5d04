/** Methods that keep the adapted matrices in few bits: frozen, but as quantization leaves them. */
import type { DebertaConfig } from "../deberta/config.ts";
import type { HostTensor, HostTensors } from "../tensor/host_tensor.ts";
import { type AdaptedModule, adaptedModules, type Adapter, type Target } from "./method.ts";

/** The weights of the adapted modules, each made anew. */
export function eachWeight(
  config: DebertaConfig,
  target: Target,
  make: (module: AdaptedModule) => HostTensor,
): HostTensors {
  return Object.fromEntries(adaptedModules(config, target).map((site) => [`${site.module}.weight`, make(site)]));
}

/**
 * An adapter over quantized weights.
 * @param bits width of a weight, as the sites report it
 * @param round a matrix [out, in] as it is after quantization
 */
export function overQuantized(
  adapter: Adapter,
  { config, target, bits, round }: {
    config: DebertaConfig;
    target: Target;
    bits: number;
    round: (W: HostTensor) => HostTensor;
  },
): Adapter {
  return {
    ...adapter,
    prepare: ({ backbone }) => ({
      backbone: eachWeight(config, target, ({ module }) => round(backbone[`${module}.weight`]!)),
    }),
    observe: (parameters) => adapter.observe(parameters).map((site) => ({ ...site, bits: { ...site.bits, W0: bits } })),
  };
}
