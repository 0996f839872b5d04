/** Products of one long row with a few others, for a runtime that is slow at them. */
import { powerOfTwoDivisor } from "../../tensor/divisor.ts";
import { type Builder, type Graph, rewrite, type Value } from "../ir.ts";

/** Numbers in a row from which on several fast operations beat a slow one. */
const LONG = 8192;
/** Columns that are added up side by side. */
const WIDEST = 64;

/**
 * Writes the inner products of long rows, [G, 1, N] times the transpose of [G, K, N], as sums of elementwise products: down the
 * columns of [N / W, W] as a product with a row of ones, which is fast everywhere, then across the W columns. K may be "at most K"
 * (open_rows.ts), but not none.
 */
export function sumByColumns(graph: Graph): Graph {
  return rewrite(graph, ({ op, inputs, outputs, attributes }, build) => {
    const [row, rows] = inputs, output = outputs[0]!;
    if (op !== "FusedMatMul" || output.shape.length !== 3 || attributes.alpha !== 1) return undefined;
    if (row!.shape[1] !== 1 || attributes.transA || !attributes.transB || row!.shape[0] !== rows!.shape[0]) {
      return undefined;
    }
    const width = powerOfTwoDivisor(row!.shape[2]!, WIDEST);
    return row!.shape[2]! < LONG || width < WIDEST ? undefined : [innerProducts(build, row!, rows!, output, width)];
  });
}

function innerProducts(build: Builder, row: Value, rows: Value, output: Value, width: number): Value {
  const [groups, count, size] = rows.shape as [number, number, number], dtype = "float32", height = size / width;
  const flat = groups * count;
  const tables = build.one("Reshape", [build.one("Mul", [rows, row], rows)], { dtype, shape: [flat, height, width] }, {
    shape: [-1, height, width],
  });
  const columns = build.matMul(build.fill({ dtype, shape: [1, 1, height] }, 1), tables); // [G K, 1, W]
  const sums = build.one("ReduceSum", [columns], { dtype, shape: [flat, 1] }, { axes: [2], keepdims: 0 });
  return build.one("Reshape", [sums], output, { shape: [groups, 1, -1] });
}
