/** Products of few columns, the other way round. */
import { isProduct } from "../cost.ts";
import { type Graph, rewrite } from "../ir.ts";

/** Columns that processors work out at a time: of fewer they leave some of their arithmetic unused. */
const COLUMNS = 16;

/**
 * Writes the gradient of a narrow matrix, a transposed times b over many rows with few columns in b, as the transpose of
 * b transposed times a, in which the few are rows.
 */
export function turnNarrow(graph: Graph): Graph {
  return rewrite(graph, (node, build) => {
    const { op, inputs, attributes, outputs } = node, output = outputs[0]!;
    if (!isProduct(node) || inputs.length > 2 || !attributes.transA || attributes.transB) return undefined;
    const [a, b] = inputs as [typeof output, typeof output],
      [rows, columns] = output.shape.slice(-2) as [number, number];
    if (columns >= COLUMNS || rows < 2 * COLUMNS || a.shape.length !== b.shape.length) return undefined;
    const outer = output.shape.slice(0, -2), perm = output.shape.map((_, i) => i), last = perm.length - 1;
    [perm[last], perm[last - 1]] = [last - 1, last];
    const turned = build.one(op, [b, a], { dtype: output.dtype, shape: [...outer, columns, rows] }, attributes);
    return [build.one("Transpose", [turned], output, { perm })];
  });
}
