/**
 * AdaLoRA: W0 + (alpha / r) B diag(E) A, whose ranks are shared out among the matrices by importance while it trains
 * (Zhang et al. 2023, arXiv 2303.10512; there P Lambda Q). Starting values, the penalty and the order of events within a step
 * are those of Hugging Face PEFT 0.21 (fixture `adalora`).
 *
 * Query, key and value form a family, whose tensors are stacked over all layers.
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import type { DebertaConfig } from "../deberta/config.ts";
import { float32, type HostTensor } from "../tensor/host_tensor.ts";
import { addScaled, matrixOf, product } from "../tensor/matrix.ts";
import type { Site } from "../training/record.ts";
import { allocator, type BudgetPlan, deviationOf, meanOf, planBudget } from "./adalora_budget.ts";
import { KINDS, livingOf, restoreLiving, saveLiving } from "./adalora_saved.ts";
import { beside, throughAll } from "./beside.ts";
import { families, type Family, locate, memberOf, partsOf, saveFamilies, unstack } from "./family.ts";
import {
  adaptedModules,
  type Adapter,
  type Hooks,
  type Method,
  type Parameter,
  peftName,
  type Scope,
  TARGET_NAMES,
  targetModules,
  type Tracked,
} from "./method.ts";

type Tensor = tf.Tensor;

/** Steps, or a share of the run. */
const span = z.number().refine(
  (x) => x < 1 || Number.isInteger(x),
  "expected whole steps, or a share of the run below 1",
);

const options = z.strictObject({
  initRank: z.int().min(1).default(12),
  targetRank: z.int().min(1).default(8),
  alpha: z.number().positive().default(16),
  target: z.enum(TARGET_NAMES).default("qkv"),
  /** Steps before the budget falls, steps after it has fallen, and steps between allocations. */
  tInit: span.min(0).default(0.1),
  tFinal: span.positive().default(0.6),
  deltaT: span.positive().default(0.01),
  /** Weight of the penalty on A A^T and B^T B being no identities. */
  orthogonality: z.number().min(0).default(0.1),
}).refine(({ initRank, targetRank }) => targetRank <= initRank, {
  path: ["targetRank"],
  message: "expected at most initRank",
}).refine(({ tInit, tFinal }) => tInit >= 1 || tFinal >= 1 || tInit + tFinal < 1, {
  path: ["tFinal"],
  message: "expected shares tInit and tFinal below 1 together",
});
export type AdaloraOptions = z.infer<typeof options>;

/** Decay of the running means of sensitivity and deviation. */
const DECAY = 0.85;
/** PEFT adds this to the rank it divides by, which stays the initial one. */
const EPSILON = 1e-5;

function parametersOf({ name, rows, into, out }: Family, rank: number): Record<string, Parameter> {
  const small = { kind: "normal", std: 0.02 } as const;
  return {
    [`${name}.lora_A`]: { shape: [rows, rank, into], initial: small, group: "weights" },
    [`${name}.lora_B`]: { shape: [rows, out, rank], initial: small, group: "weights" },
    [`${name}.lora_E`]: { shape: [rows, rank, 1], initial: { kind: "constant", value: 0 }, group: "weights" },
  };
}

/** A family's updates in one run of the model. @param scale alpha over the rank */
function openFamily({ name, layers, members, into }: Family, { parameter }: Scope, rank: number, scale: number) {
  const E = tf.mul(parameter(`${name}.lora_E`), scale);
  const down = partsOf(tf.mul(parameter(`${name}.lora_A`), E), layers); // [G, r, in] each
  const up = unstack(parameter(`${name}.lora_B`)); // [out, r] each
  return (layer: number, chosen: readonly number[], x: Tensor): Tensor[] => {
    const A = tf.reshape(memberOf(down[layer]!, chosen, members), [chosen.length * rank, into]);
    const low = throughAll(x, A, chosen.length); // [N, r] each
    return chosen.map((member, i) => tf.matMul(low[i]!, up[layer * members + member]!, false, true)); // [N, out]
  };
}

/** The sum over a stack of the Frobenius norms of G - I. @param gram [rows, r, r] */
function offIdentity(gram: Tensor): Tensor {
  const difference = tf.sub(gram, tf.eye(gram.shape[2]!));
  // The root of zero has no slope; any other sum swallows what is added.
  return tf.sum(tf.sqrt(tf.add(tf.sum(tf.square(difference), [1, 2]), 1e-30)));
}

/** PEFT's orthogonal regularization before its weight: the mean over all A and B. */
function orthogonalityOf(all: readonly Family[], { parameter }: Scope): Tensor {
  const norms = all.flatMap(({ name }) => {
    const A = parameter(`${name}.lora_A`), B = parameter(`${name}.lora_B`);
    return [offIdentity(tf.matMul(A, A, false, true)), offIdentity(tf.matMul(B, B, true, false))];
  });
  const matrices = all.reduce((sum, { rows }) => sum + 2 * rows, 0);
  return tf.div(norms.reduce((a, b) => tf.add(a, b)), matrices);
}

/** Running means of |p g| and of its deviation from the mean, p as the step left it and g as the step found it. */
function track(names: readonly string[], { parameter, gradient, state }: Tracked): Record<string, Tensor> {
  const follow = (mean: Tensor, x: Tensor) => tf.add(tf.mul(mean, DECAY), tf.mul(x, 1 - DECAY));
  return Object.fromEntries(names.flatMap((name) => {
    const sensitivity = tf.abs(tf.mul(parameter(name), gradient(name)));
    const mean = follow(state(meanOf(name)), sensitivity);
    const deviation = follow(state(deviationOf(name)), tf.abs(tf.sub(sensitivity, mean)));
    return [[meanOf(name), mean], [deviationOf(name), deviation]];
  }));
}

/** diag(E) A. @param E [r, 1] @param A [r, in] */
function scaleRows(E: HostTensor, A: HostTensor): HostTensor {
  const into = A.shape[1]!;
  return float32(A.shape, Float32Array.from(A.data, (a, i) => E.data[Math.floor(i / into)]! * a));
}

function attach(config: DebertaConfig, given: AdaloraOptions): Adapter {
  const { initRank: rank, targetRank, alpha, target, orthogonality } = given, scale = alpha / (rank + EPSILON);
  const all = families(config, target), sites = adaptedModules(config, target);
  const parameters: Record<string, Parameter> = Object.assign({}, ...all.map((family) => parametersOf(family, rank)));
  const names = Object.keys(parameters), prunes = targetRank < rank;
  const state = Object.fromEntries(names.flatMap((name) => {
    const { shape } = parameters[name]!;
    return [[meanOf(name), shape], [deviationOf(name), shape]];
  }));
  let plan: BudgetPlan | undefined; // of the latest run
  return {
    trainsBackbone: [],
    parameters,
    open(scope): Hooks {
      const update = new Map(all.map((family) => [family, openFamily(family, scope, rank, scale)]));
      return {
        linear: beside(sites, scope.affine, (mine, x) => {
          const { family, layer, members } = locate(all, mine)!, updates = update.get(family)!(layer, members, x);
          return (i) => updates[i]!;
        }),
        ...(orthogonality > 0 && { penalty: () => tf.mul(orthogonalityOf(all, scope), orthogonality) }),
      };
    },
    // With nothing to share out there is nothing to keep account of.
    ...(prunes && { state, track: (step: Tracked) => track(names, step) }),
    control(total) {
      plan = planBudget(given, sites.length, total);
      return prunes ? allocator(all, rank, plan) : () => {};
    },
    // Between allocations masked ranks move again, so an earlier checkpoint may hold more ranks than the budget.
    settles: (total) => prunes ? planBudget(given, sites.length, total).end + 1 : 0,
    observe(tensors): Site[] {
      const living = livingOf(all, rank, tensors);
      return sites.map(({ module, layer, matrix }) => {
        const live = living.get(module)!.filter(Boolean).length;
        return { layer, matrix, rank: live, maxRank: rank, diagonal: true, bits: {} };
      });
    },
    merge(backbone, tensors) {
      const own = saveFamilies(all, tensors);
      return Object.fromEntries(sites.map(({ module }) => {
        const [A, B, E] = KINDS.map((kind) => own[peftName(`${module}.${kind}`)]!), name = `${module}.weight`;
        return [name, addScaled(backbone[name]!, scale, product(matrixOf(B!), matrixOf(scaleRows(E!, A!))))];
      }));
    },
    save(tensors) {
      const { tensors: living, pattern } = saveLiving(all, rank, tensors);
      const config = {
        peft_type: "ADALORA",
        task_type: "SEQ_CLS",
        init_r: rank,
        target_r: targetRank,
        // PEFT counts in steps, which only a run gives these.
        ...(plan && { tinit: plan.tInit, tfinal: plan.tFinal, deltaT: plan.deltaT, total_step: plan.total }),
        beta1: DECAY,
        beta2: DECAY,
        orth_reg_weight: orthogonality,
        lora_alpha: alpha,
        lora_dropout: 0,
        bias: "none",
        target_modules: targetModules(sites),
        rank_pattern: pattern,
      };
      return { config, tensors: living };
    },
    restore: (saved) => restoreLiving(all, rank, saved),
  };
}

export const adalora: Method<AdaloraOptions> = {
  name: "adalora",
  label: "AdaLoRA",
  title: "low-rank adapters whose ranks follow importance",
  reference: "Zhang et al. 2023, arXiv 2303.10512",
  options,
  attach,
};
