/** Which part of the model each operator of a training step belongs to, read off the weights it computes with. */
import { isProduct } from "../src/compile/cost.ts";
import type { Graph, Node, Value } from "../src/compile/ir.ts";
import type { Layout, Trainable } from "../src/training/layout.ts";
import { frozenRegister } from "../src/training/model.ts";
import { vectorsOf } from "../src/training/step.ts";

const PARTS: readonly (readonly [part: string, names: RegExp])[] = [
  ["relative positions", /rel_embeddings|encoder\.LayerNorm/],
  ["embeddings", /embeddings/],
  ["query, key, value", /(query|key|value)_proj/],
  ["attention output", /attention\.output/],
  ["feed-forward", /layer\.\d+\.(intermediate|output)/],
  ["head", /pooler|classifier/],
];
const ATTENTION = "attention", OPTIMIZER = "optimizer", OTHER = "other";

const partOf = (weight: string): string => PARTS.find(([, names]) => names.test(weight))?.[0] ?? OTHER;

/**
 * An operator belongs to the weight it reads; one that reads none goes with the latest of its inputs. A product of two results
 * of the projections is attention. What reads the optimizer's moments or the sizes of its step, and what follows, is the
 * optimizer.
 * @param rows those of a table that train outside the layout
 */
export function partsOf(graph: Graph, layout: Layout, rows?: Trainable): Map<Node, string> {
  const weights = new Map<Value, string>(), optimizers = new Set<Value>(), order = new Map<Value, number>();
  for (const [name, value] of Object.entries(graph.inputs)) {
    if (name.startsWith(frozenRegister(""))) weights.set(value, partOf(name));
    if (/^(keep|rate):|^root$/.test(name)) optimizers.add(value);
  }
  for (const { members, registers: { p, m, v } } of vectorsOf(layout, rows)) {
    const vector = graph.inputs[p];
    for (const register of [m, v]) if (graph.inputs[register]) optimizers.add(graph.inputs[register]);
    // A vector of one member is not cut into parts.
    if (vector && members.length === 1) weights.set(vector, partOf(members[0]!.name));
    for (const { op, inputs, outputs } of graph.nodes) {
      if (op !== "Split" || inputs[0] !== vector) continue;
      outputs.forEach((value, i) => weights.set(value, partOf(members[i]?.name ?? "")));
    }
  }
  const parts = new Map<Node, string>(), made = new Map<Value, string>();
  graph.nodes.forEach((node, at) => {
    const part = decide(node);
    parts.set(node, part);
    for (const value of node.outputs) {
      order.set(value, at);
      if (!weights.has(value)) made.set(value, part);
      // What is made of weights alone is one, too: reshaped, transposed, or with an update in it.
      const sources = node.inputs.filter(({ node }) => node?.op !== "Constant").map((input) => weights.get(input));
      const [source] = sources;
      if (source && !sources.includes(undefined) && !weights.has(value)) weights.set(value, source);
    }
  });
  return parts;

  function decide(node: Node): string {
    if (node.inputs.some((value) => optimizers.has(value) || made.get(value) === OPTIMIZER)) return OPTIMIZER;
    const latest = node.inputs.filter((value) => made.has(value) && !weights.has(value))
      .sort((a, b) => order.get(b)! - order.get(a)!)[0];
    const inherited = latest ? made.get(latest)! : OTHER;
    const weight = node.inputs.map((value) => weights.get(value)).find((part) => part !== undefined);
    if (weight) return weight;
    return isProduct(node) && inherited === "query, key, value" ? ATTENTION : inherited;
  }
}
