/**
 * Which triplets of AdaLoRA's matrices live, and how PEFT 0.21 keeps them: without those that do not, and with a
 * `rank_pattern` in the configuration that says which of the initial ranks these were.
 */
import { z } from "zod";
import { InputError } from "../errors.ts";
import { float32, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";
import { type Family, restoreFamilies, saveFamilies } from "./family.ts";
import { peftName, type Saved } from "./method.ts";

/** The parts of a triplet: A [r, in], B [out, r], E [r, 1]. */
export const KINDS = ["lora_A", "lora_B", "lora_E"] as const;
export type Kind = typeof KINDS[number];

/**
 * Which triplets of each matrix live, by module: those whose E is not 0. All of them do while E is 0 throughout, as it is
 * before the first step; an allocation never leaves that.
 * @param parameters stacked by family
 */
export function livingOf(all: readonly Family[], rank: number, parameters: HostTensors): Map<string, boolean[]> {
  const values = all.map(({ name }) => parameters[`${name}.lora_E`]!.data);
  const untouched = values.every((data) => data.every((value) => value === 0));
  return new Map(all.flatMap(({ sites }, f) =>
    sites.map(({ module }, row) => {
      const mine = Array.from(values[f]!.subarray(row * rank, (row + 1) * rank));
      return [module, mine.map((value) => untouched || value !== 0)] as const;
    })
  ));
}

/** What is saved of the parameters, and the pattern of ranks; null if all live. */
export function saveLiving(all: readonly Family[], rank: number, parameters: HostTensors) {
  const living = livingOf(all, rank, parameters), whole = saveFamilies(all, parameters), tensors: HostTensors = {};
  for (const [module, flags] of living) {
    for (const kind of KINDS) {
      const name = peftName(`${module}.${kind}`), { shape, data } = whole[name]!, places = placesOf(kind, shape, flags);
      tensors[name] = float32(livingShape(kind, shape, flags), places.map((i) => data[i]!));
    }
  }
  const dropped = [...living.values()].some((flags) => flags.includes(false));
  const pattern = Object.fromEntries([...living].map(([module, flags]) => [patternKey(module), flags]));
  return { tensors, pattern: dropped ? pattern : null };
}

const Pattern = z.record(z.string(), z.array(z.boolean())).nullish();

/**
 * The stacked parameters, with zeros where a triplet was dropped.
 * @throws InputError if the pattern or a tensor is not one of this initial rank and backbone
 */
export function restoreLiving(all: readonly Family[], rank: number, { config, tensors }: Saved): HostTensors {
  const pattern = Pattern.safeParse(config.rank_pattern);
  if (!pattern.success) {
    const found = JSON.stringify(config.rank_pattern).slice(0, 60);
    throw new InputError(`Cannot restore the rank_pattern "${found}": expected lists of true and false by matrix`);
  }
  const whole: HostTensors = {};
  for (const { module, into, out } of all.flatMap(({ sites }) => sites)) {
    const flags = pattern.data?.[patternKey(module)] ?? Array.from({ length: rank }, () => true);
    if (flags.length !== rank) {
      throw new InputError(`Cannot restore "${module}" of initRank "${flags.length}": expected initRank ${rank}`);
    }
    const shapes = { lora_A: [rank, into], lora_B: [out, rank], lora_E: [rank, 1] };
    for (const kind of KINDS) {
      const shape = shapes[kind], name = peftName(`${module}.${kind}`), tensor = tensors[name];
      const expected = livingShape(kind, shape, flags);
      if (tensor?.shape.join() !== expected.join()) {
        const found = tensor ? `[${tensor.shape}]` : "missing";
        throw new InputError(`Cannot restore the tensor "${name}": its shape is "${found}", expected [${expected}]`);
      }
      const data = new Float32Array(sizeOf(shape));
      placesOf(kind, shape, flags).forEach((place, i) => data[place] = tensor.data[i]!);
      whole[name] = float32(shape, data);
    }
  }
  const stacked = all.flatMap(({ name, rows, into, out }) => [
    [`${name}.lora_A`, [rows, rank, into]] as const,
    [`${name}.lora_B`, [rows, out, rank]] as const,
    [`${name}.lora_E`, [rows, rank, 1]] as const,
  ]);
  return restoreFamilies(all, Object.fromEntries(stacked), whole);
}

/** PEFT's key of a module's flags, under the backbone's own names. */
const patternKey = (module: string): string => `${module}.lora_E`;

/** Triplets lie in the columns of B, in the rows of A and E. */
const triplet = (kind: Kind, [, columns]: readonly number[], i: number): number =>
  kind === "lora_B" ? i % columns! : Math.floor(i / columns!);

function livingShape(kind: Kind, [rows, columns]: readonly number[], flags: readonly boolean[]): number[] {
  const live = flags.filter(Boolean).length;
  return kind === "lora_B" ? [rows!, live] : [live, columns!];
}

/** Where the elements of a whole matrix lie that belong to living triplets, in order. */
function placesOf(kind: Kind, shape: readonly number[], flags: readonly boolean[]): number[] {
  return Array.from({ length: sizeOf(shape) }, (_, i) => i).filter((i) => flags[triplet(kind, shape, i)]);
}
