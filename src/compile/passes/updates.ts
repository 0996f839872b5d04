/** Adds low-rank updates to the matrices beside which they stand, where an input has more rows than the matrix. */
import { type Builder, countUses, type Graph, type Node, rewrite, type Value } from "../ir.ts";
import { dropUnused } from "./prune.ts";

/**
 * Writes x W + (x A) B as x (W + A B). To pass every row of x through B takes as long as to read and write them, for a product
 * with few columns is no work; there are fewer rows in W. What else needs x A, as the gradient of B does, keeps it. The gradient
 * to x has the same form for several matrices at once: y W + z V + [y A, z C] [B; D] becomes y (W + A B) + z (V + C D).
 */
export function mergeUpdates(graph: Graph): Graph {
  const uses = countUses(graph);
  return dropUnused(rewrite(graph, ({ outputs }, build, origin) => {
    const { terms, rest } = sumOf(outputs[0]!, (value) => uses.get(origin(value)) === 1);
    for (const term of terms) {
      const updates = updatesOf(term, build), beside = terms.filter((other) => other !== term);
      if (updates?.every((update) => beside.some((other) => belongs(update, other)))) {
        return [summed(beside.map((product) => withUpdates(product, updates, build)), rest, outputs[0]!, build)];
      }
    }
    return undefined;
  }));
}

/** Products that are added up, the outermost one first, and what they are added to. */
interface Sum {
  readonly terms: readonly Node[];
  readonly rest: Value | undefined;
}

/** What a value adds up, if nothing else reads the sums on the way. */
function sumOf(value: Value, once: (value: Value) => boolean): Sum {
  const terms: Node[] = [];
  let rest: Value | undefined = value;
  while (rest?.node?.op === "Gemm" && !rest.node.attributes.transA && (rest === value || once(rest))) {
    terms.push(rest.node);
    rest = rest.node.inputs[2];
  }
  return { terms, rest };
}

function summed(
  terms: readonly Pick<Node, "inputs" | "attributes">[],
  rest: Value | undefined,
  output: Value,
  build: Builder,
): Value {
  return terms.reduceRight((sum: Value | undefined, { inputs, attributes }) => {
    const [x, W] = inputs as [Value, Value];
    return build.one("Gemm", [x, W, ...(sum ? [sum] : [])], output, { ...attributes, ...(sum && { beta: 1 }) });
  }, rest)!;
}

/** Whether a product has the same input as an update, of more rows than the matrix has. */
function belongs({ x }: Update, { inputs, attributes }: Node): boolean {
  return inputs[0] === x && attributes.alpha === 1 && x.shape[0]! > x.shape[1]!;
}

/** A product with those updates in its matrix that have its input. */
function withUpdates(product: Node, updates: readonly Update[], build: Builder): Pick<Node, "inputs" | "attributes"> {
  const [x, W] = product.inputs as [Value, Value], transposed = product.attributes.transB === 1;
  const merged = updates.filter((update) => belongs(update, product)).reduce(
    (W, { A, B }) => plus(W, transposed, A, B, build),
    W,
  );
  return { inputs: [x, merged], attributes: product.attributes };
}

/** A factor as a product reads it: transposed or not, and multiplied. */
interface Operand {
  readonly factor: Value;
  readonly flip: number;
  readonly alpha: number;
}

/** (x A) B. */
interface Update {
  readonly x: Value;
  readonly A: Operand;
  readonly B: Operand;
}

/** The updates that a product adds: one, or as many as its first operand is put together from. */
function updatesOf({ inputs, attributes }: Node, build: Builder): Update[] | undefined {
  const [low, B] = inputs as [Value, Value], flip = attributes.transB as number, alpha = attributes.alpha as number;
  const parts = low.node?.op === "Concat" && low.node.attributes.axis === 1 ? low.node.inputs : [low];
  let from = 0;
  const updates = parts.map((part) => {
    const down = throughA(part, build), to = from + part.shape[1]!;
    const factor = partOf(B, flip ? 1 : 0, from, from = to, build);
    return down && { ...down, B: { factor, flip, alpha } };
  });
  return updates.every((update) => update !== undefined) ? updates : undefined;
}

/** x and A, if a value is x A or some columns of it. */
function throughA(low: Value, build: Builder): Pick<Update, "x" | "A"> | undefined {
  const split = low.node?.op === "Split" && low.node.attributes.axis === 1 ? low.node : undefined;
  const node = (split ? split.inputs[0]! : low).node;
  if (node?.op !== "Gemm" || node.inputs.length > 2 || node.attributes.transA) return undefined;
  const [x, A] = node.inputs as [Value, Value], flip = node.attributes.transB as number;
  const before = split ? split.outputs.slice(0, split.outputs.indexOf(low)) : [];
  const from = before.reduce((sum, { shape }) => sum + shape[1]!, 0);
  const factor = partOf(A, flip ? 0 : 1, from, from + low.shape[1]!, build);
  return { x, A: { factor, flip, alpha: node.attributes.alpha as number } };
}

/** Rows or columns of a matrix: what they were put together from, if they are just that. */
function partOf(matrix: Value, axis: number, from: number, to: number, build: Builder): Value {
  if (from === 0 && to === matrix.shape[axis]) return matrix;
  if (matrix.node?.op === "Concat" && matrix.node.attributes.axis === axis) {
    let at = 0;
    for (const part of matrix.node.inputs) {
      if (at === from && at + part.shape[axis]! === to) return part;
      at += part.shape[axis]!;
    }
  }
  const starts = [0, 0], ends = [...matrix.shape];
  starts[axis] = from, ends[axis] = to;
  const shape = ends.map((end, i) => end - starts[i]!);
  return build.one("Slice", [matrix], { dtype: matrix.dtype, shape }, { starts, ends, steps: [1, 1] });
}

/** W + A B, or transposed, as W is. */
function plus(W: Value, transposed: boolean, A: Operand, B: Operand, build: Builder): Value {
  const [factors, transA, transB] = transposed
    ? [[B.factor, A.factor], 1 - B.flip, 1 - A.flip]
    : [[A.factor, B.factor], A.flip, B.flip];
  return build.one("Gemm", [...factors, W], W, { transA, transB, alpha: A.alpha * B.alpha, beta: 1 });
}
