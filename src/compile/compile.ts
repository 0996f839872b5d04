/** From a pure function of tensors to an ONNX model: trace, rewrite, emit. */
import "./kernels.ts";
import { everywhere, type Graph } from "./ir.ts";
import { listSmallEarly } from "./order.ts";
import { fuseProducts } from "./passes/fuse.ts";
import { mergeUpdates } from "./passes/low_rank_updates.ts";
import { turnNarrow } from "./passes/narrow_products.ts";
import { needRows } from "./passes/needed_rows.ts";
import { dropUnused, mergeEqual } from "./passes/prune.ts";
import { simplify } from "./passes/simplify.ts";

/** The passes in the order in which they are run. */
const PASSES: readonly ((graph: Graph) => Graph)[] = [
  dropUnused,
  simplify,
  mergeEqual,
  simplify,
  mergeEqual,
  dropUnused,
  fuseProducts,
  dropUnused,
  fuseProducts,
  dropUnused,
  mergeUpdates,
  needRows,
  turnNarrow,
  mergeEqual,
  listSmallEarly,
];

/** Applies every pass. The result computes the same outputs from the same inputs. */
export function optimize(graph: Graph): Graph {
  return everywhere(graph, (one) => PASSES.reduce((current, pass) => pass(current), one));
}
