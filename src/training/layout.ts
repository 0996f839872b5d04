/**
 * Trainable tensors as one flat vector per parameter group. The optimizer then works on a few long vectors instead of
 * hundreds of short ones; the model sees named tensors cut out of them.
 */
import * as tf from "@tensorflow/tfjs";
import { type Group, GROUPS } from "../peft/method.ts";
import { float32, type HostTensors, sizeOf } from "../tensor/host_tensor.ts";

export interface Trainable {
  readonly name: string;
  readonly shape: readonly number[];
  readonly group: Group;
}

export interface GroupLayout {
  readonly group: Group;
  readonly size: number;
  readonly members: readonly Trainable[];
}

/** The groups that have members, in a fixed order; members in the order given. */
export type Layout = readonly GroupLayout[];

export function layOut(trainables: readonly Trainable[]): Layout {
  return GROUPS.map((group) => {
    const members = trainables.filter((t) => t.group === group);
    return { group, members, size: members.reduce((sum, { shape }) => sum + sizeOf(shape), 0) };
  }).filter(({ size }) => size > 0);
}

/** Concatenates each group's tensors. @throws Error naming a tensor that is missing or has another shape */
export function flatten(layout: Layout, tensors: HostTensors): Record<string, Float32Array> {
  return Object.fromEntries(layout.map(({ group, size, members }) => {
    const flat = new Float32Array(size);
    let offset = 0;
    for (const { name, shape } of members) {
      const tensor = tensors[name];
      if (tensor?.data.length !== sizeOf(shape)) {
        throw new Error(`The tensor "${name}" should have shape [${shape}], not [${tensor?.shape ?? "missing"}]`);
      }
      flat.set(tensor.data, offset);
      offset += tensor.data.length;
    }
    return [group, flat];
  }));
}

/** The named tensors of flat vectors, as copies. */
export function unflatten(layout: Layout, flat: (group: Group) => ArrayLike<number>): HostTensors {
  const tensors: HostTensors = {};
  for (const { group, members } of layout) {
    const vector = Float32Array.from(flat(group));
    let offset = 0;
    for (const { name, shape } of members) {
      const size = sizeOf(shape);
      tensors[name] = float32(shape, vector.slice(offset, offset + size));
      offset += size;
    }
  }
  return tensors;
}

/** The named tensors of one group's vector, inside a program. */
export function unpack({ members }: GroupLayout, vector: tf.Tensor): Record<string, tf.Tensor> {
  const parts = members.length === 1 ? [vector] : tf.split(vector, members.map(({ shape }) => sizeOf(shape)));
  return Object.fromEntries(members.map(({ name, shape }, i) => [name, tf.reshape(parts[i]!, shape.slice())]));
}
