/** `bayesian-bits`: quantizers, gates, penalties and rank masks with their gradients. One program computes all cases. */
import type { Tensors } from "../../engines/engine.ts";
import { InputError } from "../../errors.ts";
import type { Checker } from "../checker.ts";
import { compute } from "../compute.ts";
import { tensorsOf } from "../fixture.ts";
import { gateLadder, probability, ranks, regularizer, sample } from "./bayesian_bits/gates.ts";
import type { Operation } from "./bayesian_bits/part.ts";
import { quantizer, rankQuantizer } from "./bayesian_bits/quantizers.ts";

/** The operations by the fixture's name for them. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  quantize: quantizer,
  hard_concrete_sample: sample,
  prob_on_and_test_gate: probability,
  gate_ladder: gateLadder,
  regularizer,
  rank_mask: ranks,
  rank_quantizer: rankQuantizer,
};

export const check: Checker = async (fixture, report, context) => {
  const tensors = tensorsOf(fixture, "tensors");
  const parts = fixture.cases.map((raw) => {
    const open = Object.hasOwn(OPERATIONS, String(raw.op)) ? OPERATIONS[String(raw.op)] : undefined;
    const part = open?.(raw, (name) => {
      const tensor = tensors[name];
      if (tensor !== undefined) return tensor;
      throw new InputError(`Cannot check "${fixture.folder}": case "${raw.id}" names the missing tensor "${name}"`);
    });
    if (part === undefined) {
      throw new InputError(`Cannot check "${fixture.folder}": case "${raw.id}" is none of its kind`);
    }
    return { id: `${raw.id}/`, part };
  });
  const feeds = Object.assign({}, ...parts.map(({ id, part }) => prefixed(id, part.feeds)));
  const outputs = await compute(context, "bayesian-bits", feeds, (given): Tensors => {
    return Object.assign({}, ...parts.map(({ id, part }) => prefixed(id, part.apply(unprefixed(id, given)))));
  });
  for (const { id, part } of parts) part.tell(unprefixed(id, outputs), report);
};

const prefixed = <T>(prefix: string, record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [prefix + name, value]));

const unprefixed = <T>(prefix: string, record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(
    Object.entries(record).filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
