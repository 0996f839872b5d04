/** Two limits in one operation, for runtimes that read the bounds where they were computed. (A GPU would have to send them back.) */
import { sizeOf } from "../../tensor/host_tensor.ts";
import { type Builder, countUses, type Graph, type Node, rewrite, sameShape, type Value } from "../ir.ts";
import { dropUnused } from "./prune.ts";

/** Writes a limit from below and one from above, each a single number, as one Clip. */
export function joinLimits(graph: Graph): Graph {
  const uses = countUses(graph);
  return dropUnused(rewrite(graph, (node, build, origin) => {
    const value = node.op === "Min" ? joined(node, build, (value) => uses.get(origin(value)) === 1) : undefined;
    return value && [value];
  }));
}

function joined(node: Node, build: Builder, once: (value: Value) => boolean): Value | undefined {
  const output = node.outputs[0]!, [raised, high] = node.inputs as [Value, Value], [x, low] = raised.node?.inputs ?? [];
  if (raised.node?.op !== "Max" || !x || !low || !once(raised) || output.dtype !== "float32") return undefined;
  if (!sameShape(x.shape, output.shape) || [low, high].some(({ shape }) => sizeOf(shape) !== 1)) return undefined;
  const scalar = { dtype: output.dtype, shape: [] };
  const [least, most] = [low, high].map((bound) =>
    bound.shape.length === 0 ? bound : build.one("Reshape", [bound], scalar, { shape: [] })
  ) as [Value, Value];
  return build.one("Clip", [x, least, most], output);
}
