/**
 * Q-BaRA: balanced low-rank adapters on quantized weights (Shen et al. 2025; what is known of it: `pooled.ts`).
 *
 * Both sides of the adapter shrink, non-parametrically, and its rank grows to what the parameters of a LoRA of rank r then pay
 * for: h = x W0^T + b + expand(alpha / r * pool(x) A^T B^T), with A [r', in / groupSize] and B [out / expand, r'], and
 * r' = r (in + out) / (in / groupSize + out / expand), rounded down. The authors pool by 2. Here inputs are pooled by the
 * quantizer's group, so that the trained adapter merges exactly.
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import { matrixOf, product } from "../tensor/matrix.ts";
import { partsOf } from "./family.ts";
import { lowRankOptions, nameA, nameB } from "./low_rank.ts";
import type { AdaptedModule, Method } from "./method.ts";
import { pooledAdapter, type PooledOptions, pooledOptions } from "./pooled.ts";

export interface QBaraOptions extends PooledOptions {
  /** Of the LoRA whose parameters it has. */
  readonly rank: number;
  readonly alpha: number;
}

const options = z.strictObject({
  ...pooledOptions,
  rank: lowRankOptions.rank,
  alpha: lowRankOptions.alpha,
  expand: pooledOptions.expand.default(4),
});

export const qBara: Method<QBaraOptions> = {
  name: "q-bara",
  label: "Q-BaRA",
  title: "balanced adapters merged into quantized weights",
  reference: "Shen et al. 2025, TACL 13, Q-BLoRA",
  options,
  attach(config, options) {
    const { rank, alpha } = options, scale = alpha / rank;
    /** The rank that the parameters of a LoRA pay for, as far as the pooled sides have room for it. */
    const balanced = ({ into, out }: AdaptedModule, P: number, Q: number) =>
      Math.min(Math.max(1, Math.floor(rank * (into + out) / (P + Q))), P, Q);
    return pooledAdapter(config, "q-bara", options, {
      parameters: (site, P, Q) => {
        const r = balanced(site, P, Q), initial = { kind: "uniform", bound: 1 / Math.sqrt(P) } as const;
        return {
          [nameA(site.module)]: { shape: [r, P], initial, group: "weights" },
          [nameB(site.module)]: { shape: [Q, r], initial: { kind: "constant", value: 0 }, group: "weights" },
        };
      },
      project(modules, x, parameter) {
        const A = tf.mul(tf.concat(modules.map((module) => parameter(nameA(module)))), scale);
        const down = partsOf(tf.matMul(A, x, false, true), modules.length); // [r, N] each
        return modules.map((module, i) => tf.matMul(down[i]!, parameter(nameB(module)), true, true));
      },
      element({ module }, tensors) {
        const { columns, data } = product(matrixOf(tensors[nameB(module)]!), matrixOf(tensors[nameA(module)]!));
        return (row, column) => scale * data[row * columns + column]!;
      },
      macs: (site, P, Q) => balanced(site, P, Q) * (P + Q),
    });
  },
};
