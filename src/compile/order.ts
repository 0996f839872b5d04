/**
 * The order in which ONNX Runtime runs a graph, and a listing of the nodes that makes it a good one.
 *
 * The runtime does not keep to the order of a model's nodes. It searches backwards from the results, the one listed last first,
 * and runs a node when all that it reads has been run; of what a node reads, too, it goes after the one listed last first. So the
 * listing decides how long results wait, and take room, until they are read.
 */
import type { Graph, Node } from "./ir.ts";

const isConstant = ({ op }: Node): boolean => op === "Constant";

/** The nodes that make what a node reads, each once. */
function sourcesOf({ inputs }: Node): Node[] {
  return [...new Set(inputs.flatMap(({ node }) => node && !isConstant(node) ? [node] : []))];
}

/** The nodes of a graph as ONNX Runtime runs them, constants first. */
export function runOrder({ nodes }: Graph): Node[] {
  const listed = nodes.filter((node) => !isConstant(node)), place = new Map(listed.map((node, i) => [node, i]));
  const read = new Set(listed.flatMap(sourcesOf)), entered = new Set<Node>(), order: Node[] = nodes.filter(isConstant);
  const pending = listed.filter((node) => !read.has(node)).map((node) => ({ node, ready: false }));
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { node, ready } = next;
    if (ready) order.push(node);
    else if (!entered.has(node)) {
      entered.add(node);
      pending.push({ node, ready: true });
      const sources = sourcesOf(node).sort((a, b) => place.get(a)! - place.get(b)!);
      for (const source of sources) if (!entered.has(source)) pending.push({ node: source, ready: false });
    }
  }
  return order;
}

/**
 * Lists what takes no more room, constants, vectors, numbers and reshapes, as early as it can stand. The gradient of the first
 * layers is then the last of those that the optimizer collects, and the search begins with it. On the way down it meets each
 * layer's slopes before the layers above, whose forward pass they would otherwise wait for, with all that they are made of.
 */
export function listSmallEarly(graph: Graph): Graph {
  const place = new Map<Node, number>();
  const isSmall = (node: Node) =>
    isConstant(node) || node.op === "Reshape" || node.outputs.every(({ shape }) => shape.length < 2);
  graph.nodes.forEach((node, i) => {
    place.set(node, isSmall(node) ? Math.max(-1, ...sourcesOf(node).map((source) => place.get(source)!)) : i);
  });
  // A small node shares the place of what it follows, and sorting keeps the order of equals.
  return { ...graph, nodes: graph.nodes.toSorted((a, b) => place.get(a)! - place.get(b)!) };
}
