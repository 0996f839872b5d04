/**
 * Leaves out the last rows of products of which only the first ones are read. The content and the rows of the relative table go
 * through the projections of attention as one product, but values have no use for the latter, and where the table does not train,
 * its gradient leads nowhere.
 */
import { isProduct } from "../cost.ts";
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

/** Whether a node is a product whose rows come of those of its first operand. */
const isRows = (node: Node): boolean =>
  isProduct(node) && node.outputs[0]!.shape.length === 2 && !node.attributes.transA;

/** Whether the first output of a node is the first rows of its input. */
function takesFirstRows({ op, inputs, outputs, attributes }: Node): boolean {
  if (op === "Split") return attributes.axis === 0;
  if (op !== "Slice" || !attributes.ends) return false;
  const starts = attributes.starts as readonly number[], width = (value: Value) => value.shape.slice(1);
  return starts.every((start) => start === 0) && sameShape(width(inputs[0]!), width(outputs[0]!));
}

/** The first rows of a value, made alone if nothing else reads the value. */
function firstRows(value: Value, rows: number, build: Builder, once: (value: Value) => boolean): Value {
  const { node, shape, dtype } = value, [a, b, addend] = node?.inputs ?? [];
  if (shape[0] === rows) return value;
  if (node?.op === "Concat" && node.attributes.axis === 0 && a!.shape[0] === rows) return a!;
  const output = { dtype, shape: [rows, ...shape.slice(1)] };
  if (node && isRows(node) && once(value)) {
    const part = (operand: Value) => firstRows(operand, rows, build, once);
    const added = addend && (addend.shape.length === 2 && addend.shape[0] === shape[0] ? part(addend) : addend);
    return build.one(node.op, [part(a!), b!, ...(added ? [added] : [])], output, node.attributes);
  }
  const zeros = shape.map(() => 0), ones = shape.map(() => 1);
  return build.one("Slice", [value], output, { starts: zeros, ends: output.shape, steps: ones });
}
