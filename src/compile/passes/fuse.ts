/** Folds scales, transposes and additions into the matrix products beside them. */
import { isProduct as isProductNode } from "../cost.ts";
import { type Builder, countUses, type Graph, type Node, rewrite, sameShape, uniformValue, type Value } from "../ir.ts";

const isProduct = ({ node }: Value): boolean => node !== null && isProductNode(node);

/** Folds `product * c` and `product / c` for a constant c into the product's alpha. */
function foldScale(node: Node, build: Builder, once: (value: Value) => boolean): Value | undefined {
  const pairs: [Value, Value][] = [[node.inputs[0]!, node.inputs[1]!]];
  if (node.op === "Mul") pairs.push([node.inputs[1]!, node.inputs[0]!]);
  for (const [product, scalar] of pairs) {
    const c = uniformValue(scalar);
    if (!sameShape(product.shape, node.outputs[0]!.shape)) continue;
    if (c === undefined || !isProduct(product) || !once(product)) continue;
    const value = scaled(product.node!, node.outputs[0]!, node.op === "Mul" ? c : 1 / c, build);
    if (value) return value;
  }
}

/** A product times c. Of what it adds, a bias is multiplied before; undefined where that is as large as the product. */
function scaled({ op, inputs, attributes }: Node, output: Value, c: number, build: Builder): Value | undefined {
  const [a, b, addend] = inputs as [Value, Value, Value?];
  if (addend && sameShape(addend.shape, output.shape)) return undefined;
  const bias = addend ? [build.one("Mul", [addend, build.fill({ dtype: addend.dtype, shape: [] }, c)], addend)] : [];
  return build.one(op, [a, b, ...bias], output, { ...attributes, alpha: attributes.alpha as number * c });
}

/** Takes constant factors of a product's operands into its alpha, where nothing but products reads the multiplied operands. */
function foldOperandScale(node: Node, build: Builder, onlyProducts: (value: Value) => boolean): Value | undefined {
  const inputs = node.inputs.slice();
  let factor = 1;
  for (const i of [0, 1]) {
    const operand = inputs[i]!, [a, b] = operand.node?.op === "Mul" ? operand.node.inputs : [];
    for (const [x, scalar] of [[a, b], [b, a]]) {
      const c = scalar && uniformValue(scalar);
      if (c === undefined || !x || !sameShape(x.shape, operand.shape) || !onlyProducts(operand)) continue;
      inputs[i] = x;
      factor *= c;
      break;
    }
  }
  if (factor === 1) return undefined;
  const alpha = node.attributes.alpha as number * factor;
  return build.one(node.op, inputs, node.outputs[0]!, { ...node.attributes, alpha });
}

/** Folds a negated product into the product's alpha. */
function foldNegation(node: Node, build: Builder, once: (value: Value) => boolean): Value | undefined {
  const product = node.inputs[0]!;
  if (isProduct(product) && once(product)) return scaled(product.node!, node.outputs[0]!, -1, build);
}

/** Folds `Gemm + y` into the Gemm's third operand, which broadcasts to its shape. */
function foldSum(node: Node, build: Builder, once: (value: Value) => boolean): Value | undefined {
  const output = node.outputs[0]!;
  for (const [product, addend] of [node.inputs, node.inputs.toReversed()] as [Value, Value][]) {
    if (product.node?.op !== "Gemm" || !once(product) || product.node.inputs.length > 2) continue;
    if (product.shape.some((n, i) => n !== output.shape[i]) || addend.shape.length > 2) continue;
    return build.one("Gemm", [...product.node.inputs, addend], output, { ...product.node.attributes, beta: 1 });
  }
}

/** Reads a transposed operand in place instead of transposing it first. */
function foldTranspose(node: Node, build: Builder): Value | undefined {
  const inputs = node.inputs.slice(), attributes: Record<string, number> = {};
  for (const [i, flag] of [[0, "transA"], [1, "transB"]] as const) {
    const source = inputs[i]!.node;
    if (source?.op !== "Transpose") continue;
    const perm = source.attributes.perm as readonly number[], last = perm.length - 1;
    if (perm.some((from, to) => from !== (to < last - 1 ? to : to === last ? last - 1 : last))) continue;
    inputs[i] = source.inputs[0]!;
    attributes[flag] = 1 - (node.attributes[flag] as number);
  }
  if (Object.keys(attributes).length === 0) return;
  return build.one(node.op, inputs, node.outputs[0]!, { ...node.attributes, ...attributes });
}

/** How often each value is read as one of the two operands of a product. */
function countOperands(graph: Graph): Map<Value, number> {
  const counts = new Map<Value, number>();
  for (const { inputs } of graph.nodes.filter(isProductNode)) {
    for (const value of inputs.slice(0, 2)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}

/** Rewrites a graph with fewer, larger products. */
export function fuseProducts(graph: Graph): Graph {
  const uses = countUses(graph), operands = countOperands(graph);
  return rewrite(graph, (node, build, origin) => {
    const once = (value: Value): boolean => uses.get(origin(value)) === 1;
    const onlyProducts = (value: Value): boolean => (operands.get(origin(value)) ?? 0) === uses.get(origin(value));
    let value: Value | undefined;
    if (node.op === "Mul" || node.op === "Div") value = foldScale(node, build, once);
    else if (node.op === "Neg") value = foldNegation(node, build, once);
    else if (node.op === "Add") value = foldSum(node, build, once);
    else if (isProductNode(node)) {
      value = foldTranspose(node, build) ?? foldOperandScale(node, build, onlyProducts);
    }
    return value && [value];
  });
}
