/**
 * Products work out only the rows that somebody reads. Rows are put below each other so that one product serves them all, and the
 * gradient of some of them may lead nowhere: in DeBERTa those of the relative table, wherever the table itself does not train.
 */
import { isProduct } from "../cost.ts";
import { type Builder, countUses, type Graph, type Node, rewrite, sameShape, type Value } from "../ir.ts";
import { dropUnused } from "./prune.ts";

/** Rewrites a graph so that products of which only the first rows are read have no other ones. */
export function needRows(graph: Graph): Graph {
  const uses = countUses(graph);
  return dropUnused(rewrite(graph, (node, build, origin) => {
    const count = (value: Value) => uses.get(origin(value)) ?? 0, [read, ...others] = node.outputs;
    if (!takesFirstRows(node) || others.some((value) => count(value) > 0)) return undefined;
    const [x] = node.inputs as [Value], once = (value: Value) => count(value) === 1;
    if (!x.node || !isProduct(x.node) || !once(x)) return undefined;
    // What stands in for outputs that nobody reads is dropped.
    return [firstRows(x, read!.shape[0]!, build, once), ...others.map((value) => build.fill(value, 0))];
  }));
}

/** Whether the first output of a node is the first rows of its input. */
function takesFirstRows({ op, inputs, outputs, attributes }: Node): boolean {
  if (op === "Split") return attributes.axis === 0;
  if (op !== "Slice" || !attributes.ends || (attributes.steps as readonly number[]).some((step) => step !== 1)) {
    return false;
  }
  const starts = attributes.starts as readonly number[], width = (value: Value) => value.shape.slice(1);
  return starts.every((start) => start === 0) && sameShape(width(inputs[0]!), width(outputs[0]!));
}

/** The first rows of a value, by whatever makes them alone where nothing else reads the whole of it. */
function firstRows(value: Value, rows: number, build: Builder, once: (value: Value) => boolean): Value {
  const { node, shape, dtype } = value, rest = (part: Value) => firstRows(part, rows, build, once);
  if (shape[0] === rows) return value;
  const [a, b, addend] = node?.inputs ?? [], output = { dtype, shape: [rows, ...shape.slice(1)] };
  if (node?.op === "Concat" && node.attributes.axis === 0 && a!.shape[0]! >= rows) return rest(a!);
  if (node && isProduct(node) && shape.length === 2 && !node.attributes.transA && once(value)) {
    const added = addend && (addend.shape.length === 2 && addend.shape[0] === shape[0] ? rest(addend) : addend);
    return build.one(node.op, [rest(a!), b!, ...(added ? [added] : [])], output, node.attributes);
  }
  const zeros = shape.map(() => 0), ones = shape.map(() => 1);
  return build.one("Slice", [value], output, { starts: zeros, ends: output.shape, steps: ones });
}
