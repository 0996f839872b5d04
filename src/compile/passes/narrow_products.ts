/** Products of few columns, the other way round. */
import { isProduct } from "../cost.ts";
import { type Graph, rewrite, type Value } from "../ir.ts";

/** How many columns of a product processors work out at a time: where there are fewer, part of that goes to waste. */
const COLUMNS = 16;

/**
 * Writes a product that sums over rows, as the gradient of a matrix does, and has few columns as the transpose of one that has few
 * rows: a^T b = (b^T a)^T.
 */
export function turnNarrow(graph: Graph): Graph {
  return rewrite(graph, (node, build) => {
    const { op, inputs, attributes, outputs } = node, output = outputs[0]!;
    if (!isProduct(node) || inputs.length > 2 || !attributes.transA || attributes.transB) return undefined;
    const [a, b] = inputs as [Value, Value], [rows, columns] = output.shape.slice(-2) as [number, number];
    if (columns >= COLUMNS || rows < 2 * COLUMNS) return undefined;
    const outer = output.shape.slice(0, -2), perm = output.shape.map((_, i) => i), last = perm.length - 1;
    [perm[last], perm[last - 1]] = [last - 1, last];
    const turned = build.one(op, [b, a], { dtype: output.dtype, shape: [...outer, columns, rows] }, attributes);
    return [build.one("Transpose", [turned], output, { perm })];
  });
}
