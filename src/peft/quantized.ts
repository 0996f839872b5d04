/** Methods that keep the adapted matrices in few bits: frozen, but as quantization leaves them. */
import type { DebertaConfig } from "../deberta/config.ts";
import type { HostTensor } from "../tensor/host_tensor.ts";
import { adaptedModules, type Adapter, type Target } from "./method.ts";

/**
 * An adapter over quantized weights. It prepares itself on the weights as they were; what it leaves of them is quantized.
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
    prepare: (given) => {
      const own = adapter.prepare?.(given), left = { ...given.backbone, ...own?.backbone };
      const names = adaptedModules(config, target).map(({ module }) => `${module}.weight`);
      const quantized = Object.fromEntries(names.map((name) => [name, round(left[name]!)]));
      return { ...own, backbone: { ...own?.backbone, ...quantized } };
    },
    observe: (parameters) => adapter.observe(parameters).map((site) => ({ ...site, bits: { ...site.bits, W0: bits } })),
  };
}
