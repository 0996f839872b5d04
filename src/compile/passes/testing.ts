/** What the tests of single rules share: a graph from a function, and its operators by name. */
import type * as tf from "@tensorflow/tfjs";
import "../kernels.ts";
import type { Graph } from "../ir.ts";
import { trace } from "../tracer.ts";
import { dropUnused } from "./prune.ts";

/** Traces a function of float32 tensors. */
export function graphOf(
  shapes: Readonly<Record<string, readonly number[]>>,
  apply: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>,
): Graph {
  const specs = Object.entries(shapes).map(([name, shape]) => [name, { dtype: "float32" as const, shape }] as const);
  return trace(Object.fromEntries(specs), apply);
}

/** The operators that compute something, in order. */
export function operators(graph: Graph): string[] {
  return dropUnused(graph).nodes.map(({ op }) => op).filter((op) => op !== "Constant");
}
