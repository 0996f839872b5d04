/**
 * B-LoRA: W0 + B E A with learned rank and learned bit widths (Meo et al. 2024, arXiv 2406.13046).
 *
 * h = Q_out( Q_act(x Q(W0)^T + b) + (alpha / r) Q_AB( Q_Eact( Q_Aact(x Q(A)^T) * Q(E) * mask ) Q(B)^T ) )
 *
 * A quantizer's step s2 is learned as its logarithm: it cannot become negative, and the steps of Adam, which are of one size
 * whatever they change, become relative ones, fit for a range of 0.05 as for one of 5.
 *
 * Query, key and value form a family, as each of the other matrices does: its tensors are stacked [L G, ...] over L layers and G
 * members, so that gates are drawn and applied for a whole family at once.
 */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import {
  bitsOf,
  bitTerm,
  hostTestGates,
  ladder,
  levelWeights,
  probabilityOn,
  rankMask,
  sampleGates,
  testGates,
} from "../quantization/gates.ts";
import { type Levels, levelsOf, mapLevels, quantizeWith, splitLevels } from "../quantization/quantize.ts";
import { MATRICES, QUANTIZED, type Quantized, type Site } from "../training/record.ts";
import {
  affineStack,
  families,
  type Family,
  locate,
  memberOf,
  partsOf,
  restoreFamilies,
  saveFamilies,
  unstack,
} from "./family.ts";
import type { DebertaConfig } from "../deberta/config.ts";
import { type Adapter, type Hooks, type Method, type Parameter, type Scope, TARGET_NAMES } from "./method.ts";

type Tensor = tf.Tensor;

const common = z.strictObject({
  rank: z.int().min(1).default(8),
  alpha: z.number().positive().default(16),
  target: z.enum(TARGET_NAMES).default("qkv"),
  /** Where gate logits start: 6 leaves every gate open. */
  gateLogit: z.number().default(6),
});
/** Of variants that quantize. */
const ofBits = {
  lambdaBits: z.number().min(0).default(1e-3),
  /** `bops` weighs each bit term by the module's share of multiplications and by the bit width it stands for. */
  weighting: z.enum(["const", "bops"]).default("const"),
};
/** Of variants that adapt ranks. */
const ofRanks = { lambdaRank: z.number().min(0).default(1e-3) };

const ofBoth = common.extend({ ...ofBits, ...ofRanks });
/** A variant has those options that do something in it. */
type BloraOptions = z.infer<typeof common> & Partial<z.infer<typeof ofBoth>>;

interface Variant {
  readonly quantizes: boolean;
  readonly adaptsRank: boolean;
}

/** The quantizers of a variant: without rank adaptation there is no E. */
function quantizersOf({ quantizes, adaptsRank }: Variant): readonly Quantized[] {
  if (!quantizes) return [];
  return adaptsRank ? QUANTIZED : QUANTIZED.filter((kind) => !kind.startsWith("E"));
}

const probeName = (family: Family, kind: Quantized, row: number) => `${family.name}/${kind}/${row}`;

function parametersOf(family: Family, variant: Variant, { rank, gateLogit }: BloraOptions): Record<string, Parameter> {
  const { name, rows, into, out } = family, kinds = quantizersOf(variant);
  const small = { kind: "normal", std: 0.02 } as const;
  const parameters: Record<string, Parameter> = {
    [`${name}.lora_A`]: { shape: [rows, rank, into], initial: small, group: "weights" },
    [`${name}.lora_B`]: { shape: [rows, out, rank], initial: small, group: "weights" },
  };
  if (variant.adaptsRank) {
    parameters[`${name}.lora_E`] = { shape: [rows, rank], initial: { kind: "normal", std: 1 }, group: "weights" };
    if (rank > 1) {
      parameters[`${name}.rank_gates`] = {
        shape: [rows, rank - 1],
        initial: { kind: "constant", value: gateLogit },
        group: "gates",
      };
    }
  }
  if (kinds.length > 0) {
    const probes = kinds.flatMap((kind) => Array.from({ length: rows }, (_, row) => probeName(family, kind, row)));
    parameters[`${name}.bit_gates`] = {
      shape: [kinds.length, rows, 4],
      initial: { kind: "constant", value: gateLogit },
      group: "gates",
    };
    parameters[`${name}.log_scales`] = {
      shape: [kinds.length, rows],
      initial: { kind: "log-step", probes },
      group: "gates",
    };
  }
  return parameters;
}

const isWeight = (kind: Quantized): boolean => ["W0", "A", "B", "E"].includes(kind);

/** The quantizers of one family in one run. */
interface Quantizers {
  /** Of weights of all its modules, in stacks of as many as one likes, one after the other. */
  weights(kind: Quantized, stacks: readonly Tensor[]): readonly Tensor[];
  /** Of what the chosen members of a layer give. @param x [chosen, ...] */
  activations(kind: Quantized, x: Tensor, layer: number, chosen: readonly number[]): Tensor;
}

/** @param units what the numbers of a kind come multiplied by [1] */
function openQuantizers(
  family: Family,
  kinds: readonly Quantized[],
  scope: Scope,
  units: Partial<Record<Quantized, number>>,
): Quantizers {
  const { name, rows, layers, members } = family;
  if (kinds.length === 0) return { weights: (_, stacks) => stacks, activations: (_, x) => x };
  if (scope.mode === "calibrate") {
    const probe = (kind: Quantized, row: number, x: Tensor) => scope.probe(probeName(family, kind, row), x);
    return {
      weights: (kind, stacks) => {
        stacks.flatMap(unstack).forEach((tensor, row) => probe(kind, row, tensor));
        return stacks;
      },
      activations: (kind, x, layer, chosen) => {
        unstack(tf.div(x, units[kind] ?? 1)).forEach((tensor, i) =>
          probe(kind, layer * members + chosen[i]!, scope.withoutPadding(tensor))
        );
        return x;
      },
    };
  }
  const phi = tf.reshape(scope.parameter(`${name}.bit_gates`), [kinds.length * rows, 4]);
  const raw = scope.mode === "train"
    ? sampleGates(phi, scope.noise.uniform(`${name}.bit_gates`, phi.shape))
    : testGates(phi);
  const levels = levelsOf(
    tf.reshape(scope.parameter(`${name}.log_scales`), [-1]),
    levelWeights(tf.mul(raw, ladder(phi))),
    { units: kinds.flatMap((kind) => new Array<number>(rows).fill(units[kind] ?? 1)) },
  );
  // Weights are quantized for all layers at once, activations layer by layer.
  const stacks = kinds.map((kind) => isWeight(kind) ? [rows] : new Array<number>(layers).fill(members));
  const split = splitLevels(levels, stacks.flat());
  const levelsBy = new Map(kinds.map((kind, i) => [kind, split.splice(0, stacks[i]!.length)]));
  const choose = chooser(members);
  return {
    // The gates of B-LoRA are hard-concrete ones.
    weights: (kind, stacks) => {
      const levels = splitLevels(levelsBy.get(kind)![0]!, stacks.map(({ shape }) => shape[0]!));
      return stacks.map((x, i) => quantizeWith(x, levels[i]!, { skip: true }));
    },
    activations: (kind, x, layer, chosen) =>
      quantizeWith(x, choose(levelsBy.get(kind)![layer]!, chosen), {
        skip: true,
        mostLines: scope.mostRows(x.shape[1]!),
      }),
  };
}

/** Finds the levels of some members of a family among those of all. What is asked for one by one is taken apart only once. */
function chooser(members: number) {
  const apart = new Map<Levels, readonly Levels[]>();
  return (all: Levels, chosen: readonly number[]): Levels => {
    if (chosen.length > 1) return mapLevels(all, (part) => memberOf(part, chosen, members));
    if (!apart.has(all)) apart.set(all, splitLevels(all, new Array<number>(members).fill(1)));
    return apart.get(all)![chosen[0]!]!;
  };
}

/** The mask of live ranks [rows, r] of a family in one run. */
function openRankMask(family: Family, scope: Scope, rank: number): Tensor {
  if (rank === 1 || scope.mode === "calibrate") return tf.ones([family.rows, rank]);
  const name = `${family.name}.rank_gates`, phi = scope.parameter(name);
  return rankMask(scope.mode === "train" ? sampleGates(phi, scope.noise.uniform(name, phi.shape)) : testGates(phi));
}

/**
 * Numbers of a tensor from which on the members of a family are computed one by one: to multiply a large tensor by a scalar is
 * quicker than to multiply a stack of them by one each. Small ones cost less together.
 */
const LARGE = 2 ** 17;

/** A family's projections in one run. */
function openFamily(family: Family, variant: Variant, scope: Scope, { rank, alpha }: BloraOptions) {
  const { name, layers, members, into, out } = family, scale = alpha / rank;
  const quantizers = openQuantizers(family, quantizersOf(variant), scope, { "AB-out": scale });
  const own = (part: string) => family.modules.flat().map((module) => scope.weight(`${module}.${part}`));
  /** From one stack of all rows, or from one tensor for each: those of the chosen members of a layer, stacked. */
  const byMember = (stacks: readonly Tensor[]) => {
    const perLayer = stacks.length === 1 ? partsOf(stacks[0]!, layers) : undefined;
    return (layer: number, chosen: readonly number[]): Tensor => {
      if (perLayer) return memberOf(perLayer[layer]!, chosen, members);
      return tf.concat(chosen.map((member) => stacks[layer * members + member]!));
    };
  };
  const factor = (kind: "A" | "B" | "E") => quantizers.weights(kind, [scope.parameter(`${name}.lora_${kind}`)]);
  const frozen = own("weight"),
    stacks = variant.quantizes && into * out >= LARGE ? frozen.map((W) => tf.expandDims(W)) : [tf.stack(frozen)];
  const W0 = byMember(quantizers.weights("W0", stacks)), bias = byMember([tf.expandDims(tf.stack(own("bias")), 1)]);
  const A = byMember(factor("A")), B = byMember(factor("B")); // [G, r, in], [G, out, r]
  const live = () => tf.mul(factor("E")[0]!, openRankMask(family, scope, rank));
  const E = variant.adaptsRank ? byMember([tf.expandDims(live(), 1)]) : undefined; // [G, 1, r]

  return (layer: number, chosen: readonly number[], x: Tensor): Tensor[] => {
    const q = (kind: Quantized, y: Tensor, group = chosen) => quantizers.activations(kind, y, layer, group);
    let lows = q("A-out", affineStack(x, A(layer, chosen))); // [G, N, r]
    if (E) lows = q("E-out", tf.mul(lows, E(layer, chosen)));
    const apart = variant.quantizes && scope.mostRows(x.shape[0]!) * out >= LARGE;
    return partsOf(lows, apart ? chosen.length : 1).flatMap((low, part) => {
      const group = apart ? [chosen[part]!] : chosen;
      const base = q("W0-out", affineStack(x, W0(layer, group), bias(layer, group)), group); // [G, N, out]
      const product = tf.matMul(low, B(layer, group), false, true); // [G, N, out]
      return unstack(q("out", tf.add(base, q("AB-out", tf.mul(product, scale), group)), group));
    });
  };
}

/** The penalty of one family: bit terms of all its quantizers and rank terms of all its matrices, each with its lambda. */
function familyPenalty(
  family: Family,
  variant: Variant,
  scope: Scope,
  macShare: number,
  { rank, lambdaBits = 0, lambdaRank = 0, weighting = "const" }: BloraOptions,
): Tensor {
  const kinds = quantizersOf(variant), terms: Tensor[] = [tf.scalar(0)];
  const ranked = variant.adaptsRank && rank > 1;
  const meanRank = ranked ? tf.mean(probabilityOn(scope.parameter(`${family.name}.rank_gates`)), -1) : undefined; // [rows]
  if (meanRank) terms.push(tf.mul(tf.sum(meanRank), lambdaRank));
  if (kinds.length > 0) {
    const phi = tf.reshape(scope.parameter(`${family.name}.bit_gates`), [-1, 4]);
    let bits = tf.reshape(bitTerm(phi, weighting === "bops"), [kinds.length, family.rows]);
    if (meanRank) {
      // The E quantizer only costs as much as there are live ranks for it to quantize.
      const e = kinds.indexOf("E");
      const share = Array.from(kinds, (_, k) => k === e ? meanRank : tf.onesLike(meanRank));
      bits = tf.mul(bits, tf.stack(share));
    }
    terms.push(tf.mul(tf.sum(bits), lambdaBits * (weighting === "bops" ? macShare : 1)));
  }
  return terms.reduce((a, b) => tf.add(a, b));
}

function observe(
  family: Family,
  variant: Variant,
  { rank }: BloraOptions,
  tensor: (name: string) => ArrayLike<number> | undefined,
): Site[] {
  const kinds = quantizersOf(variant),
    gates = tensor(`${family.name}.bit_gates`),
    ranks = tensor(`${family.name}.rank_gates`);
  const slice = (values: ArrayLike<number>, from: number, size: number) =>
    Array.from({ length: size }, (_, i) => values[from + i]!);
  return family.sites.map(({ layer, matrix }, row) => {
    const bits = Object.fromEntries(kinds.map((kind, k) => {
      return [kind, bitsOf(hostTestGates(slice(gates!, (k * family.rows + row) * 4, 4), true))];
    }));
    const live = ranks ? hostTestGates(slice(ranks, row * (rank - 1), rank - 1), false).concat(0).indexOf(0) : rank - 1;
    return { layer, matrix, rank: 1 + live, maxRank: rank, ...(variant.adaptsRank && { diagonal: true }), bits };
  });
}

function attach(config: DebertaConfig, variant: Variant, options: BloraOptions, name: string): Adapter {
  const all = families(config, options.target);
  const largest = Math.max(...all.map(({ into, out }) => into * out));
  const parameters: Record<string, Parameter> = Object.assign(
    {},
    ...all.map((family) => parametersOf(family, variant, options)),
  );
  return {
    trainsBackbone: [],
    parameters,
    open(scope): Hooks {
      const project = new Map(all.map((family) => [family, openFamily(family, variant, scope, options)]));
      return {
        linear(modules, x) {
          const found = locate(all, modules);
          if (!found) return undefined;
          const { family, layer, members, adapted } = found, projected = project.get(family)!(layer, members, x);
          return modules.map((module) => projected[adapted.indexOf(module)] ?? scope.affine(module, x));
        },
        penalty: () =>
          all.map((family) => familyPenalty(family, variant, scope, family.into * family.out / largest, options))
            .reduce((a, b) => tf.add(a, b)),
      };
    },
    observe: (parameters) =>
      all.flatMap((family) => observe(family, variant, options, (key) => parameters[key]?.data))
        .sort((a, b) => a.layer - b.layer || MATRICES.indexOf(a.matrix) - MATRICES.indexOf(b.matrix)),
    save: (parameters) => ({
      config: { peft_type: name.toUpperCase().replaceAll("-", "_"), task_type: "SEQ_CLS", ...options },
      tensors: saveFamilies(all, parameters),
    }),
    restore: ({ tensors }) => {
      const shapes = Object.fromEntries(Object.entries(parameters).map(([key, { shape }]) => [key, shape]));
      return restoreFamilies(all, shapes, tensors);
    },
  };
}

function variant<Options extends BloraOptions>(
  name: string,
  label: string,
  title: string,
  variant: Variant,
  options: z.ZodType<Options>,
): Method<Options> {
  return {
    name,
    label,
    title,
    reference: "Meo et al. 2024, arXiv 2406.13046",
    options,
    attach: (config, options) => attach(config, variant, options, name),
  };
}

export const blora = variant(
  "blora",
  "B-LoRA (q + ra)",
  "learned ranks and bit widths",
  { quantizes: true, adaptsRank: true },
  ofBoth,
);
export const bloraQ = variant(
  "blora-q",
  "B-LoRA (q)",
  "learned bit widths only",
  { quantizes: true, adaptsRank: false },
  common.extend(ofBits),
);
export const bloraRa = variant(
  "blora-ra",
  "B-LoRA (ra)",
  "learned ranks only",
  { quantizes: false, adaptsRank: true },
  common.extend(ofRanks),
);
