/**
 * The closed form against the real forward pass, product by product as its graph has them, for every method.
 *
 * What the two must agree on, for one example that fills its row:
 *
 * - Tokens: the products that read the example's tokens are those of the closed form, and in each layer 4 S D more for S tokens
 *   of width D, since the two position products are computed with two columns of padding.
 * - Positions: the projections of the relative table are those of the closed form, once the two rows of padding at its ends are
 *   left out. A method whose other products lie in the query or key projection applies them to these rows as well, where the
 *   closed form counts tokens alone.
 *
 * Left out are scalings of elements, which are no products in the graph (E, and the shares of HydraLoRA's heads), and products
 * of weights with weights, which do not depend on the example. Quantizers are open, as in calibration: a training graph imitates
 * them with products of its own. The pass is that of training, with the last layer whole: an evaluation reads its first token only.
 */
import * as tf from "@tensorflow/tfjs";
import assert from "node:assert/strict";
import "../compile/compile.ts";
import { isProduct, macsOf } from "../compile/cost.ts";
import type { Graph, Node, Value } from "../compile/ir.ts";
import { dropUnused } from "../compile/passes/prune.ts";
import { traceProgram } from "../engines/compiled.ts";
import { cpu } from "../engines/testing.ts";
import type { Pass } from "../deberta/encoder.ts";
import { METHOD_NAMES } from "../peft/registry.ts";
import { config, initialTensors, modelOf } from "../peft/testing.ts";
import type { HostTensors } from "../tensor/host_tensor.ts";
import { batchInputs, logitsOf, type Model, openPass } from "../training/model.ts";
import { describeForward } from "./describe.ts";
import type { Forward } from "./shape.ts";

const LENGTH = 5;

/** Costs that scale elements. */
const SCALING = / shares$/;

/** Projections of S tokens and of the 2S + 1 rows of the relative table, wherever the two come together. */
function apart(pass: Pass, tokens: number, positions: boolean): Pass {
  const table = (modules: readonly string[], rows: tf.Tensor): tf.Tensor[] => {
    const real = 2 * tokens - 1;
    if (!positions) return modules.map(() => tf.zeros([real + 2, config.hidden]));
    const made = pass.linear(modules, tf.slice(rows, [1, 0], [real, -1])) as tf.Tensor2D[];
    return made.map((y) => tf.pad(y, [[1, 1], [0, 0]]));
  };
  return {
    ...pass,
    linear: (modules, x) => {
      const rows = x.shape[0]!, both = rows === tokens + 2 * tokens + 1;
      if (rows === tokens) return pass.linear(modules, x);
      if (!both) return table(modules, x);
      const own = pass.linear(modules, tf.slice(x, [0, 0], [tokens, -1]));
      const theirs = table(modules, tf.slice(x, [tokens, 0], [2 * tokens + 1, -1]));
      return own.map((y, i) => tf.concat([y, theirs[i]!]));
    },
  };
}

/** The graph of a forward pass of one example. */
function graphOf(model: Model, tensors: HostTensors, positions: boolean): Graph {
  const specs = Object.entries(tensors).map(([name, { dtype, shape }]) => [`t:${name}`, { dtype, shape }] as const);
  const tokens = LENGTH + (model.adapter.virtualTokens ?? 0);
  const { graph } = traceProgram({
    name: "forward",
    inputs: {
      ...Object.fromEntries(specs),
      ...batchInputs(1, LENGTH, LENGTH),
    },
    apply: (given, noise) => {
      const tensor = (name: string) => given[`t:${name}`]!;
      const quantized = model.adapter.observe(tensors).some(({ bits }) => bits.out !== undefined);
      const mode = quantized ? "calibrate" : "evaluate";
      const { pass } = openPass(model, { mode, noise, tensor, observe: () => {} });
      return { logits: logitsOf(model, apart(pass, tokens, positions), given) };
    },
  });
  return dropUnused(graph);
}

/** The matrix products of a graph, and those among them that read its input `ids`. */
function productsOf({ nodes, inputs }: Graph) {
  const reached = new Set<Value>([inputs.ids!]);
  for (const node of nodes) {
    if (node.inputs.some((value) => reached.has(value))) node.outputs.forEach((value) => reached.add(value));
  }
  const all = nodes.filter(isProduct), sum = (some: Node[]) => some.reduce((total, node) => total + macsOf(node), 0);
  return { all: sum(all), tokens: sum(all.filter((node) => reached.has(node.outputs[0]!))) };
}

for (const method of METHOD_NAMES) {
  Deno.test(`Closed form: ${method} takes the products that its forward pass has`, async () => {
    const model = modelOf(method, {}), { adapter } = model, tensors = await initialTensors(model, cpu);
    const { vocabulary: vocab, ...shape } = config, virtualTokens = adapter.virtualTokens ?? 0;
    const [sites, costs] = [adapter.observe(tensors), adapter.costs?.(tensors) ?? []];
    const forward: Forward = { shape: { ...shape, vocab }, sites, costs, virtualTokens, length: LENGTH, labels: 2 };
    const products = describeForward(forward), tokens = LENGTH + virtualTokens;
    const isPosition = (site: string) => /\/position-(query|key)$/.test(site);
    const total = (some: typeof products) => some.reduce((sum, { macs }) => sum + macs, 0);

    const without = productsOf(graphOf(model, tensors, false));
    const counted = total(
      products.filter(({ site, part }) => part !== "E" && !isPosition(site) && !SCALING.test(site)),
    );
    assert.equal(without.tokens, counted + config.layers * 4 * tokens * config.hidden, "tokens");

    const positions = productsOf(graphOf(model, tensors, true)).all - without.all, rows = 2 * tokens - 1;
    const diagonals = sites.filter(({ matrix, diagonal }) => diagonal && (matrix === "query" || matrix === "key"));
    const expected = total(products.filter(({ site }) => isPosition(site))) -
      diagonals.reduce((sum, { rank }) => sum + rank * rows, 0);
    const others = costs.filter(({ site }) => /\/(query|key) /.test(site) && !SCALING.test(site));
    assert.equal(
      positions,
      expected + rows * others.reduce((sum, { macsPerToken }) => sum + macsPerToken, 0),
      "positions",
    );
  });
}
