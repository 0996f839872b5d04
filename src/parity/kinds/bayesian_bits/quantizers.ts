/** Quantizers: with given gates, and the one of E with sampled gates and a rank mask. */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import type { Tensors } from "../../../engines/engine.ts";
import {
  bitsOf,
  hostTestGates,
  ladder,
  levelWeights,
  rankMask,
  sampleGates,
  testGates,
} from "../../../quantization/gates.ts";
import { quantize, rangeOverStep, STEP_RATIOS } from "../../../quantization/quantize.ts";
import { float32, type HostTensor } from "../../../tensor/host_tensor.ts";
import { EXACT, gradients, listOf, live, Numbers, type Operation, row, SAMPLED } from "./part.ts";

const stacked = ({ shape, data }: HostTensor): HostTensor => float32([1, ...shape], data);
const flat = ({ data }: HostTensor): HostTensor => float32([1, data.length], data);
const like = (tensor: HostTensor, { shape }: HostTensor): HostTensor => float32(shape, tensor.data);

/** s2 of a range: only its upper end counts, if that is positive. */
const stepOf = (low: number, high: number): number => (high > 0 ? high : -low) / rangeOverStep(low < 0);
/** Steps as shares of the first; the last one is too small for an absolute tolerance. */
const ratiosOf = (scales: readonly number[]): number[] => scales.map((scale) => scales[0]! / scale);

const Quantize = z.object({
  x: z.string(),
  upstream: z.string().optional(),
  x_min: z.number(),
  x_max: z.number(),
  signed: z.boolean(),
  clip_to_range: z.boolean(),
  gates: Numbers.length(4),
  scales: Numbers.length(5),
  effective_bits: z.number().nullable(),
  expected: z.string(),
  grad_x: z.string().optional(),
  expected_grad_s2: z.number().optional(),
  expected_grad_x_max: z.number().optional(),
  expected_grad_gates: Numbers.optional(),
});
export const quantizer: Operation = (raw, tensor) => {
  const { success, data: c } = Quantize.safeParse(raw);
  if (!success) return;
  const key = `cases[${raw.id}]`, x = tensor(c.x), reach = rangeOverStep(c.signed), s2 = stepOf(c.x_min, c.x_max);
  const f = ({ x, s2, gates }: Tensors) => {
    return quantize(x!, s2!, levelWeights(gates!), { signed: c.signed, clip: c.clip_to_range });
  };
  return {
    feeds: {
      x: stacked(x),
      s2: float32([1], [s2]),
      gates: row(c.gates),
      ...(c.upstream !== undefined && { upstream: stacked(tensor(c.upstream)) }),
    },
    apply: (given) => ({ y: f(given), ...(given.upstream && gradients(given, ["x", "s2", "gates"], f)) }),
    tell: (outputs, report) => {
      report.tensor(c.expected, like(outputs.y!, x));
      report.value(key, { s2, ratios: STEP_RATIOS }, { s2: c.scales[0], ratios: ratiosOf(c.scales) });
      const bits = c.gates.every((gate) => gate === 0 || gate === 1) ? bitsOf(c.gates) : null;
      report.value(key, { effective_bits: bits }, { effective_bits: c.effective_bits }, EXACT);
      if (c.grad_x === undefined) return;
      report.tensor(c.grad_x, like(outputs["grad.x"]!, x));
      const step = outputs["grad.s2"]!.data[0]!;
      const got = c.clip_to_range ? { expected_grad_x_max: step / reach } : { expected_grad_s2: step };
      const { expected_grad_x_max, expected_grad_s2, expected_grad_gates } = c;
      report.value(key, got, c.clip_to_range ? { expected_grad_x_max } : { expected_grad_s2 });
      report.value(key, { expected_grad_gates: listOf(outputs["grad.gates"]) }, { expected_grad_gates });
    },
  };
};

const RankQuantizer = z.object({
  x: z.string(),
  upstream: z.string(),
  x_min: z.number(),
  x_max: z.number(),
  scales: Numbers.length(5),
  phi: Numbers.length(4),
  u: Numbers.length(4),
  rank_phi: Numbers,
  u_rank: Numbers,
  expected_gates: Numbers,
  expected_rank_gates: Numbers,
  expected: z.string(),
  expected_rank: z.number(),
  expected_test: z.string(),
  expected_test_gates: Numbers,
  expected_test_bits: z.number(),
  expected_test_rank: z.number(),
  grad_x: z.string(),
  grad_phi: z.string(),
  grad_rank_phi: z.string(),
  expected_grad_s2: z.number(),
});
export const rankQuantizer: Operation = (raw, tensor) => {
  const { success, data: c } = RankQuantizer.safeParse(raw);
  if (!success) return;
  const x = tensor(c.x), s2 = stepOf(c.x_min, c.x_max), signed = c.x_min < 0;
  const masked = ({ x, s2, phi }: Tensors, gates: tf.Tensor, mask: tf.Tensor) => {
    const weights = levelWeights(tf.mul(gates, ladder(phi!)));
    return tf.mul(mask, quantize(x!, s2!, weights, { signed, clip: false }));
  };
  const train = (given: Tensors) => {
    const { phi, u, rank_phi, u_rank } = given;
    return masked(given, sampleGates(phi!, u!), rankMask(sampleGates(rank_phi!, u_rank!)));
  };
  return {
    feeds: {
      x: flat(x),
      upstream: flat(tensor(c.upstream)),
      s2: float32([1], [s2]),
      phi: row(c.phi),
      u: row(c.u),
      rank_phi: row(c.rank_phi),
      u_rank: row(c.u_rank),
    },
    apply: (given) => {
      const { phi, u, rank_phi, u_rank } = given,
        z = sampleGates(rank_phi!, u_rank!),
        testMask = rankMask(testGates(rank_phi!));
      return {
        train: train(given),
        test: masked(given, testGates(phi!), testMask),
        gates: tf.mul(sampleGates(phi!, u!), ladder(phi!)),
        rankGates: z,
        mask: rankMask(z),
        testMask,
        ...gradients(given, ["x", "s2", "phi", "rank_phi"], train),
      };
    },
    tell: (outputs, report) => {
      const key = `cases[${raw.id}]`, tested = hostTestGates(c.phi, true);
      report.tensor(c.expected, like(outputs.train!, x));
      report.tensor(c.expected_test, like(outputs.test!, x));
      report.tensor(c.grad_x, like(outputs["grad.x"]!, x));
      report.tensor(c.grad_phi, float32([4], outputs["grad.phi"]!.data));
      report.tensor(c.grad_rank_phi, float32([c.rank_phi.length], outputs["grad.rank_phi"]!.data));
      const sampled = [listOf(outputs.gates), listOf(outputs.rankGates)];
      report.value(key, sampled, [c.expected_gates, c.expected_rank_gates], SAMPLED);
      report.value(key, tested, c.expected_test_gates, EXACT);
      const counted = [live(outputs.mask), live(outputs.testMask), bitsOf(tested)];
      report.value(key, counted, [c.expected_rank, c.expected_test_rank, c.expected_test_bits], EXACT);
      const { expected_grad_s2 } = c;
      report.value(key, { expected_grad_s2: outputs["grad.s2"]!.data[0] }, { expected_grad_s2 });
      report.value(key, { s2, ratios: STEP_RATIOS }, { s2: c.scales[0], ratios: ratiosOf(c.scales) });
    },
  };
};
