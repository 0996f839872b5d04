/**
 * QA-HiRA: one matrix between pooled inputs and repeated outputs, on quantized weights (Shen et al. 2025; what is known of it:
 * `pooled.ts`).
 *
 * h = x W0^T + b + scale expand(pool(x) M^T) with M [out / e, in / g]: an update of rank up to min(out / e, in / g), several times
 * that of a LoRA with as many parameters. The authors pool by 4 and expand by 8. M starts at zero, and so as the quantized model;
 * how the authors start it is not known to us.
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { partsOf } from "./family.ts";
import type { Method } from "./method.ts";
import { pooledAdapter, type PooledOptions, pooledOptions } from "./pooled.ts";

export interface QaHiraOptions extends PooledOptions {
  readonly scale: number;
}

const options = z.strictObject({
  ...pooledOptions,
  expand: pooledOptions.expand.default(8),
  scale: z.number().positive().default(1),
});

const nameM = (module: string) => `${module}.hira_M.weight`;

export const qaHira: Method<QaHiraOptions> = {
  name: "qa-hira",
  label: "QA-HiRA",
  title: "higher-rank adapters merged into quantized weights",
  reference: "Shen et al. 2025, TACL 13, QA-BLoRA",
  options,
  attach(config, options) {
    const { scale } = options;
    return pooledAdapter(config, "qa-hira", options, {
      parameters: ({ module }, P, Q) => ({
        [nameM(module)]: { shape: [Q, P], initial: { kind: "constant", value: 0 }, group: "weights" },
      }),
      project(modules, x, parameter) {
        const M = tf.mul(tf.concat(modules.map((module) => parameter(nameM(module)))), scale);
        return partsOf(tf.matMul(M, x, false, true), modules.length).map((part) => tf.transpose(part)); // [N, Q] each
      },
      element({ module }, tensors) {
        const M = tensors[nameM(module)]!, P = M.shape[1]!;
        return (row, column) => scale * M.data[row * P + column]!;
      },
      macs: (_, P, Q) => P * Q,
    });
  },
};
