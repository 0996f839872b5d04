/** Adds low-rank updates to the matrices beside which they stand. */
import { type Builder, countUses, type Graph, type Node, rewrite, sameShape, type Value } from "../ir.ts";
import { dropUnused } from "./prune.ts";

/**
 * Columns of an input up to which this pays, for the matrix then has no more rows than a batch is likely to have. (Graphs that serve
 * any number of rows are traced at two, and must come out alike: how many rows there are may not decide.)
 */
const WIDEST = 1024;

/**
 * Writes x W + (x A) B as x (W + A B). The second product of an update does little arithmetic, but reads and writes a whole row
 * of results for each row of x; added to W, it does so for each row of W. What else reads x A, as the gradient of B does, still
 * finds it. The gradient to x has the same form with several matrices: y W + z V + [y A, z C] [B; D] becomes
 * y (W + A B) + z (V + C D). Where both are there, the sums W + A B live from the forward pass to the backward one.
 */
export function mergeUpdates(graph: Graph): Graph {
  const uses = countUses(graph);
  return dropUnused(rewrite(graph, ({ outputs }, build, origin) => {
    const [output] = outputs as [Value], { terms, rest } = sumOf(output, (value) => uses.get(origin(value)) === 1);
    const updatesBy = new Map<Node, readonly Update[]>(), merged = new Set<Node>();
    for (const term of terms) {
      // What it was given would be lost with it.
      if (updatesBy.has(term)) continue;
      const updates = updatesOf(term, build);
      const targets = updates.map(({ x }) => terms.find((other) => !merged.has(other) && takesUpdates(other, x)));
      if (targets.length === 0 || targets.includes(undefined)) continue;
      merged.add(term);
      targets.forEach((to, i) => updatesBy.set(to!, [...updatesBy.get(to!) ?? [], updates[i]!]));
    }
    if (merged.size === 0) return undefined;
    const kept = terms.filter((term) => !merged.has(term)).map((term) =>
      withUpdates(term, updatesBy.get(term) ?? [], build)
    );
    return [
      kept.reduceRight((sum: Value | undefined, { inputs: [x, W], attributes }) => {
        return build.one("Gemm", sum ? [x!, W!, sum] : [x!, W!], output, { ...attributes, ...(sum && { beta: 1 }) });
      }, rest)!,
    ];
  }));
}

/** The products that a value adds up, the last one first, as far as nothing else reads the sums on the way, and the rest. */
function sumOf(value: Value, once: (value: Value) => boolean): { terms: readonly Node[]; rest: Value | undefined } {
  const terms: Node[] = [];
  let rest: Value | undefined = value;
  while (rest?.node?.op === "Gemm" && !rest.node.attributes.transA && sameShape(rest.shape, value.shape)) {
    if (rest !== value && !once(rest)) break;
    terms.push(rest.node);
    rest = rest.node.inputs[2];
  }
  return { terms, rest };
}

/** Whether a product's matrix can take updates of x. */
function takesUpdates({ inputs, attributes }: Node, x: Value): boolean {
  return inputs[0] === x && attributes.alpha === 1 && x.shape[1]! <= WIDEST;
}

function withUpdates(
  { inputs, attributes }: Node,
  updates: readonly Update[],
  build: Builder,
): Pick<Node, "inputs" | "attributes"> {
  const [x, W] = inputs as [Value, Value], transposed = attributes.transB === 1;
  return { inputs: [x, updates.reduce((W, { A, B }) => plus(W, transposed, A, B, build), W)], attributes };
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

/** The updates that a product adds: one, as many as its first operand is put together from, or none. */
function updatesOf({ inputs, attributes }: Node, build: Builder): readonly Update[] {
  const [low, B] = inputs as [Value, Value], flip = attributes.transB as number, alpha = attributes.alpha as number;
  const parts = low.node?.op === "Concat" && low.node.attributes.axis === 1 ? low.node.inputs : [low];
  let from = 0;
  const updates = parts.flatMap((part) => {
    const down = throughA(part, build), to = from + part.shape[1]!;
    const factor = build.part(B, flip ? 1 : 0, from, from = to);
    return down ? [{ ...down, B: { factor, flip, alpha } }] : [];
  });
  return updates.length === parts.length ? updates : [];
}

/** x and A, if a value is x A or some columns of it. */
function throughA(low: Value, build: Builder): Pick<Update, "x" | "A"> | undefined {
  const split = low.node?.op === "Split" && low.node.attributes.axis === 1 ? low.node : undefined;
  const node = (split ? split.inputs[0]! : low).node;
  if (node?.op !== "Gemm" || node.inputs.length > 2 || node.attributes.transA) return undefined;
  const [x, A] = node.inputs as [Value, Value], flip = node.attributes.transB as number;
  const before = split ? split.outputs.slice(0, split.outputs.indexOf(low)) : [];
  const from = before.reduce((sum, { shape }) => sum + shape[1]!, 0);
  const factor = build.part(A, flip ? 0 : 1, from, from + low.shape[1]!);
  return { x, A: { factor, flip, alpha: node.attributes.alpha as number } };
}

/** W + A B, or transposed, as W is. */
function plus(W: Value, transposed: boolean, A: Operand, B: Operand, build: Builder): Value {
  const [factors, transA, transB] = transposed
    ? [[B.factor, A.factor], 1 - B.flip, 1 - A.flip]
    : [[A.factor, B.factor], A.flip, B.flip];
  return build.one("Gemm", [...factors, W], W, { transA, transB, alpha: A.alpha * B.alpha, beta: 1 });
}
