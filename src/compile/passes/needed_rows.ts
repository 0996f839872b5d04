/**
 * Leaves out the last rows of products of which only the first ones are read. The content and the rows of the relative table go
 * through the projections of queries and keys as one product, and where the table does not train, its gradient leads nowhere.
 */
import { type Builder, countUses, type Graph, type Node, rewrite, sameShape, type Value } from "../ir.ts";
import { dropUnused } from "./prune.ts";

/** Rewrites a graph so that products have no rows below those that are read. */
export function needRows(graph: Graph): Graph {
  const uses = countUses(graph);
  return dropUnused(rewrite(graph, (node, build, origin) => {
    const count = (value: Value) => uses.get(origin(value)) ?? 0, once = (value: Value) => count(value) === 1;
    const [x] = node.inputs as [Value], [read, ...others] = node.outputs as [Value, ...Value[]];
    if (!takesFirstRows(node) || others.some((value) => count(value) > 0)) return undefined;
    // What stands in for outputs that nobody reads is dropped.
    return [firstRows(x, read.shape[0]!, build, once), ...others.map((value) => build.fill(value, 0))];
  }));
}

/** Whether a node is a product of two matrices whose rows come of those of the first. */
const isRows = ({ op, attributes }: Node): boolean => op === "Gemm" && !attributes.transA;

/** Whether the first output of a node is the first rows of its input. */
function takesFirstRows({ op, inputs, outputs, attributes }: Node): boolean {
  if (op === "Split") return attributes.axis === 0;
  if (op !== "Slice" || !attributes.ends) return false;
  const starts = attributes.starts as readonly number[], width = (value: Value) => value.shape.slice(1);
  return starts.every((start) => start === 0) && sameShape(width(inputs[0]!), width(outputs[0]!));
}

/** The first rows of a value, made alone if nothing else reads the value. */
function firstRows(value: Value, rows: number, build: Builder, once: (value: Value) => boolean): Value {
  const { node, shape, dtype } = value;
  if (shape[0] === rows || !node || !isRows(node) || !once(value)) return build.part(value, 0, 0, rows);
  const [a, b, addend] = node.inputs as [Value, Value, Value?];
  const part = (operand: Value) => firstRows(operand, rows, build, once);
  const added = addend && (addend.shape.length === 2 && addend.shape[0] === shape[0] ? part(addend) : addend);
  const output = { dtype, shape: [rows, shape[1]!] };
  return build.one("Gemm", [part(a), b, ...(added ? [added] : [])], output, node.attributes);
}
