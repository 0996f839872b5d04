/** Rewrites what a GPU shader cannot do in one piece: it reads and writes at most so many tensors. */
import { type Builder, type Graph, rewrite, type Value } from "../compile/ir.ts";

/**
 * Tensors that one operator may touch. WebGPU's ceiling for storage buffers per shader stage is 10 in the standard's higher
 * tier and 16 in Dawn's highest; the standard guarantees 8 (W3C WebGPU, "Limits").
 */
export const MOST_TENSORS = 8;

/** Splits into many parts become slices, and joins of many parts become joins of joins. The results are the same bits. */
export function limitTensors(graph: Graph, most = MOST_TENSORS): Graph {
  return rewrite(graph, ({ op, inputs, outputs, attributes }, build) => {
    const axis = attributes.axis as number;
    if (op === "Split" && outputs.length + 1 > most) return slices(build, inputs[0]!, outputs, axis);
    if (op === "Concat" && inputs.length + 1 > most) return [join(build, inputs, axis, most - 1)];
    return undefined;
  });
}

function slices(build: Builder, x: Value, parts: readonly Value[], axis: number): Value[] {
  let start = 0;
  return parts.map((part) => {
    const starts = part.shape.map((_, i) => i === axis ? start : 0);
    const ends = part.shape.map((size, i) => starts[i]! + size);
    start += part.shape[axis]!;
    return build.slice(x, starts, ends);
  });
}

function join(build: Builder, parts: readonly Value[], axis: number, arity: number): Value {
  let level = parts;
  while (level.length > 1) {
    const next: Value[] = [];
    for (let i = 0; i < level.length; i += arity) next.push(joinOnce(build, level.slice(i, i + arity), axis));
    level = next;
  }
  return level[0]!;
}

function joinOnce(build: Builder, parts: readonly Value[], axis: number): Value {
  const [first] = parts as [Value];
  if (parts.length === 1) return first;
  const along = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const shape = first.shape.map((size, i) => i === axis ? along : size);
  return build.one("Concat", parts, { dtype: first.dtype, shape }, { axis });
}
