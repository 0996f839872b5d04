/** Gates alone: samples, probabilities, the ladder of bit widths, penalties, rank masks. */
import * as tf from "@tensorflow/tfjs";
import { z } from "zod";
import type { Tensors } from "../../../engines/engine.ts";
import {
  bitsOf,
  bitTerm,
  hostTestGates,
  ladder,
  nested,
  OPEN_ABOVE,
  probabilityOn,
  rankMask,
  sampleGates,
  testGates,
} from "../../../quantization/gates.ts";
import { float32 } from "../../../tensor/host_tensor.ts";
import { EXACT, gradients, listOf, live, Numbers, type Operation, row, SAMPLED } from "./part.ts";

const Sample = z.object({
  u: z.string(),
  phi: z.string(),
  upstream: z.string(),
  expected: z.string(),
  grad_phi: z.string(),
});
export const sample: Operation = (raw, tensor) => {
  const { success, data: c } = Sample.safeParse(raw);
  if (!success) return;
  const f = ({ phi, u }: Tensors) => sampleGates(phi!, u!);
  return {
    feeds: { u: tensor(c.u), phi: tensor(c.phi), upstream: tensor(c.upstream) },
    apply: (given) => ({ z: f(given), ...gradients(given, ["phi"], f) }),
    tell: (outputs, report) => {
      report.tensor(c.expected, outputs.z!, SAMPLED);
      report.tensor(c.grad_phi, outputs["grad.phi"]!);
      report.value(`cases[${raw.id}]`, listOf(outputs.z), listOf(tensor(c.expected)), SAMPLED);
    },
  };
};

const Probability = z.object({
  phi: z.string(),
  expected_prob_on: z.string(),
  expected_test_gate: z.string(),
  grad_phi_of_sum_prob_on: z.string(),
  test_gate_is_on_iff_phi_above: z.number(),
});
export const probability: Operation = (raw, tensor) => {
  const { success, data: c } = Probability.safeParse(raw);
  if (!success) return;
  const phi = tensor(c.phi), on = ({ phi }: Tensors) => probabilityOn(phi!);
  return {
    feeds: { phi },
    apply: (given) => ({ on: on(given), gates: testGates(given.phi!), ...gradients(given, ["phi"], on) }),
    tell: (outputs, report) => {
      report.tensor(c.expected_prob_on, outputs.on!, { group: "prob_on" });
      report.tensor(c.expected_test_gate, outputs.gates!, { group: "test gates" });
      report.tensor(c.grad_phi_of_sum_prob_on, outputs["grad.phi"]!);
      report.value(`cases[${raw.id}]`, OPEN_ABOVE, c.test_gate_is_on_iff_phi_above);
      report.value(`cases[${raw.id}]`, hostTestGates(phi.data, false), listOf(tensor(c.expected_test_gate)), EXACT);
    },
  };
};

const Ladder = z.object({
  rows: z.array(z.object({
    phi: Numbers.length(4),
    u: Numbers.length(4),
    expected_train_gates: Numbers,
    expected_test_gates: Numbers,
    expected_test_bits: z.number(),
  })),
});
export const gateLadder: Operation = (raw) => {
  const { success, data: c } = Ladder.safeParse(raw);
  if (!success) return;
  const { rows } = c, stack = (part: "phi" | "u") => float32([rows.length, 4], rows.flatMap((row) => row[part]));
  return {
    feeds: { phi: stack("phi"), u: stack("u") },
    apply: ({ phi, u }) => {
      return { train: tf.mul(sampleGates(phi!, u!), ladder(phi!)), test: tf.mul(testGates(phi!), ladder(phi!)) };
    },
    tell: ({ train, test }, report) => {
      const key = `cases[${raw.id}]`, tested = rows.map(({ phi }) => hostTestGates(phi, true));
      report.value(key, listOf(train), rows.flatMap((row) => row.expected_train_gates), SAMPLED);
      report.value(key, listOf(test), rows.flatMap((row) => row.expected_test_gates), EXACT);
      report.value(key, tested, rows.map((row) => row.expected_test_gates), EXACT);
      report.value(key, tested.map(bitsOf), rows.map((row) => row.expected_test_bits), EXACT);
    },
  };
};

const Regularizer = z.object({
  phi: Numbers.length(4),
  rank_phi: Numbers.nullable(),
  expected: z.number(),
  expected_grad_phi: Numbers,
  expected_grad_rank_phi: Numbers.nullable(),
});
export const regularizer: Operation = (raw) => {
  const { success, data: c } = Regularizer.safeParse(raw);
  if (!success) return;
  // With equal lambdas, what a quantizer and its ranks cost together is (1 + bit term) times the mean live share of ranks.
  const f = ({ phi, rank_phi }: Tensors) => {
    const bits = tf.add(1, bitTerm(phi!));
    return rank_phi ? tf.mul(tf.mean(probabilityOn(rank_phi), -1), bits) : bits;
  };
  return {
    feeds: { phi: row(c.phi), ...(c.rank_phi && { rank_phi: row(c.rank_phi) }) },
    apply: (given) => ({ value: f(given), ...gradients(given, Object.keys(given), f) }),
    tell: (outputs, report) => {
      const key = `cases[${raw.id}]`;
      report.value(key, listOf(outputs.value), [c.expected], { group: "regularizer" });
      report.value(key, listOf(outputs["grad.phi"]), c.expected_grad_phi);
      if (c.rank_phi) report.value(key, listOf(outputs["grad.rank_phi"]), c.expected_grad_rank_phi);
    },
  };
};

const RankMask = z.object({
  rank_phi: Numbers,
  u: Numbers,
  expected_z: Numbers,
  expected_cumprod: Numbers,
  expected_train_mask: Numbers,
  expected_train_rank: z.number(),
  expected_test_mask: Numbers,
  expected_test_rank: z.number(),
});
export const ranks: Operation = (raw) => {
  const { success, data: c } = RankMask.safeParse(raw);
  if (!success) return;
  return {
    feeds: { phi: row(c.rank_phi), u: row(c.u) },
    apply: ({ phi, u }) => {
      const z = sampleGates(phi!, u!);
      return { z, cumprod: nested(z), train: rankMask(z), test: rankMask(testGates(phi!)) };
    },
    tell: ({ z, cumprod, train, test }, report) => {
      const key = `cases[${raw.id}]`;
      report.value(key, [listOf(z), listOf(cumprod)], [c.expected_z, c.expected_cumprod], SAMPLED);
      report.value(key, [listOf(train), listOf(test)], [c.expected_train_mask, c.expected_test_mask], EXACT);
      report.value(key, [live(train), live(test)], [c.expected_train_rank, c.expected_test_rank], EXACT);
    },
  };
};
