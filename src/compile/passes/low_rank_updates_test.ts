import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { compileProgram } from "../../engines/compiled.ts";
import type { Program } from "../../engines/engine.ts";
import { assertAllClose, normal, runGraph } from "../../engines/testing.ts";
import { optimize } from "../compile.ts";
import { multiplyAccumulates } from "../cost.ts";
import type { Graph } from "../ir.ts";
import { fuseProducts } from "./fuse.ts";
import { dropUnused, mergeEqual } from "./prune.ts";
import { simplify } from "./simplify.ts";
import { graphOf, operators } from "./testing.ts";
import { mergeUpdates } from "./low_rank_updates.ts";

type Tensors = Record<string, tf.Tensor>;
type Shapes = Readonly<Record<string, readonly number[]>>;

/** What `mergeUpdates` is given: scales and sums within products. */
const fused = (graph: Graph) => dropUnused(fuseProducts(fuseProducts(mergeEqual(simplify(graph)))));

/** Runs a function as it is traced and with its updates merged, and gives the latter. */
async function merged(shapes: Shapes, apply: (given: Tensors) => Tensors): Promise<Graph> {
  const graph = graphOf(shapes, apply), rewritten = mergeUpdates(fused(graph));
  const feeds = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, normal([...shape], 1, name)]));
  const close = { abs: 2e-4, rel: 2e-4 };
  assertAllClose(await runGraph(rewritten, feeds), await runGraph(graph, feeds), operators(rewritten).join(), close);
  return rewritten;
}

const FLAGS = ["W transposed", "A transposed", "B transposed", "multiplied", "with a bias"] as const;
for (let bits = 0; bits < 2 ** FLAGS.length; bits++) {
  const set = FLAGS.filter((_, i) => bits >> i & 1), is = (flag: typeof FLAGS[number]) => set.includes(flag);
  Deno.test(`mergeUpdates() adds an update to its matrix: ${set.join(", ") || "plain"}`, async () => {
    const of = (flag: typeof FLAGS[number], rows: number, columns: number) =>
      is(flag) ? [columns, rows] : [rows, columns];
    const [W, A, B] = [of("W transposed", 4, 3), of("A transposed", 4, 2), of("B transposed", 2, 3)];
    const scaled = (x: tf.Tensor, c: number) => is("multiplied") ? tf.mul(x, c) : x;
    const kept = await merged({ x: [9, 4], W: W!, A: A!, B: B!, bias: [3] }, ({ x, W, A, B, bias }) => {
      const product = tf.matMul(x!, W!, false, is("W transposed")),
        base = is("with a bias") ? tf.add(product, bias!) : product;
      const low = scaled(tf.matMul(x!, A!, false, is("A transposed")), 3);
      return { y: tf.add(base, scaled(tf.matMul(low, B!, false, is("B transposed")), 0.5)) };
    });
    assert.deepEqual(operators(kept), ["Gemm", "Gemm"]);
  });
}

const STACKED = {
  x: [9, 4],
  z: [9, 4],
  W: [4, 3],
  V: [4, 3],
  A: [2, 4],
  C: [1, 4],
  B: [3, 2],
  D: [3, 1],
  dy: [9, 3],
  dz: [9, 3],
};
const through = (x: tf.Tensor, W: tf.Tensor) => tf.matMul(x, W, false, true);
const [gemm, gemms] = ["Gemm", (count: number) => new Array<string>(count).fill("Gemm")];

const MERGED: Readonly<Record<string, [(given: Tensors) => Tensors, string[]]>> = {
  "whose inner factors are one product, which its gradient reads, too": [({ x, W, V, A, B, C, D }) => {
    const low = through(x!, tf.concat([A!, C!])), [a, c] = tf.split(low, [2, 1], 1) as [tf.Tensor, tf.Tensor];
    const update = (W: tf.Tensor, low: tf.Tensor, B: tf.Tensor) => tf.add(tf.matMul(x!, W), through(low, B));
    return { y: update(W!, a, B!), z: update(V!, c, D!), low };
  }, ["Concat", gemm, ...gemms(4)]],
  "of several matrices at once": [({ W, V, A, B, C, D, dy, dz }) => {
    const low = tf.concat([tf.matMul(dy!, B!), tf.matMul(dz!, D!)], 1), update = tf.matMul(low, tf.concat([A!, C!]));
    return { dx: tf.add(tf.add(through(dy!, W!), through(dz!, V!)), update) };
  }, gemms(4)],
  "once, where two matrices have the same input": [({ x, W, V, A, B }) => {
    return { y: tf.add(tf.add(tf.matMul(x!, W!), tf.matMul(x!, V!)), through(through(x!, A!), B!)) };
  }, gemms(3)],
  "all of them, where there are several": [({ x, W, A, B, C, D }) => {
    const updates = tf.add(through(through(x!, A!), B!), through(through(x!, C!), D!));
    return { y: tf.add(tf.matMul(x!, W!), updates) };
  }, gemms(3)],
};
for (const [what, [apply, kept]] of Object.entries(MERGED)) {
  Deno.test(`mergeUpdates() adds updates ${what}`, async () =>
    assert.deepEqual(operators(await merged(STACKED, apply)), kept));
}

const LORA = { x: [9, 4], z: [9, 4], W: [4, 3], A: [4, 2], B: [2, 3] };
const update = ({ A, B }: Tensors, x: tf.Tensor) => tf.matMul(tf.matMul(x, A!), B!);
const KEPT: Readonly<Record<string, [Shapes, (given: Tensors) => Tensors]>> = {
  "an update of something else": [
    LORA,
    (given) => ({ y: tf.add(tf.matMul(given.x!, given.W!), update(given, given.z!)) }),
  ],
  "an update beside a product that others read": [LORA, (given) => {
    const base = tf.matMul(given.x!, given.W!);
    return { base, y: tf.add(tf.add(base, 0), update(given, given.x!)) };
  }],
  "an update beside a product that is multiplied": [LORA, (given) => {
    return { y: tf.add(tf.mul(tf.matMul(given.x!, given.W!), 2), update(given, given.x!)) };
  }],
  "an update of fewer columns than the sum": [{ ...LORA, B: [2, 1] }, (given) => {
    return { y: tf.add(tf.matMul(given.x!, given.W!), update(given, given.x!)) };
  }],
  "an update beside a product with the same input transposed": [{ ...LORA, x: [4, 4] }, (given) => {
    return { y: tf.add(tf.matMul(given.x!, given.W!, true), update(given, given.x!)) };
  }],
  "an update of a wide input": [{ ...LORA, x: [9, 1025], W: [1025, 3], A: [1025, 2] }, (given) => {
    return { y: tf.add(tf.matMul(given.x!, given.W!), update(given, given.x!)) };
  }],
};
for (const [what, [shapes, apply]] of Object.entries(KEPT)) {
  Deno.test(`mergeUpdates() leaves ${what} alone`, async () => {
    const before = fused(graphOf(shapes, apply)), after = await merged(shapes, apply);
    assert.deepEqual(operators(after), operators(before));
    assert.equal(multiplyAccumulates(after), multiplyAccumulates(before));
  });
}

/** A summand: of full size or broadcast, of one input or the other, with factors that others have, too. */
const summand = fc.record({
  kind: fc.constantFrom("product", "update", "update of an update", "row", "bias"),
  x: fc.constantFrom("x", "z"),
  factor: fc.constantFrom(0, 1),
});

Deno.test("mergeUpdates() keeps what random sums of products, updates and rows are", async () => {
  const shapes: Record<string, number[]> = { x: [9, 4], z: [9, 4], p: [1, 5], bias: [3], C: [2, 1], D: [1, 3] };
  for (const i of [0, 1]) {
    Object.assign(shapes, { [`W${i}`]: [4, 3], [`A${i}`]: [4, 2], [`B${i}`]: [2, 3], [`q${i}`]: [5, 3] });
  }
  await fc.assert(
    fc.asyncProperty(fc.array(summand, { minLength: 2, maxLength: 6 }), fc.boolean(), async (list, backwards) => {
      await merged(shapes, (given) => {
        const terms = list.map(({ kind, x, factor: i }) => {
          if (kind === "bias") return given.bias!;
          if (kind === "row") return tf.matMul(given.p!, given[`q${i}`]!);
          if (kind === "product") return tf.matMul(given[x]!, given[`W${i}`]!);
          const low = tf.matMul(given[x]!, given[`A${i}`]!);
          if (kind === "update") return tf.matMul(low, given[`B${i}`]!);
          return tf.matMul(tf.matMul(low, given.C!), given.D!);
        });
        const start: tf.Tensor = tf.matMul(given.z!, given.W0!);
        return { y: terms.reduce((sum, term) => backwards ? tf.add(term, sum) : tf.add(sum, term), start) };
      });
    }),
    { numRuns: 100 },
  );
});

Deno.test("mergeUpdates() makes the same of a graph for few rows as for many", () => {
  const at = (rows: number): Program => ({
    name: "rows",
    inputs: Object.fromEntries(
      Object.entries({ ...LORA, x: [rows, 4] }).map(([k, shape]) => [k, { dtype: "float32", shape }]),
    ),
    apply: (given) => ({ y: tf.add(tf.matMul(given.x!, given.W!), update(given, given.x!)) }),
  });
  const compiled = compileProgram({ ...at(1), elastic: { unit: 1, sizeOf: ({ x }) => x!.shape[0]!, at } }, optimize, 1);
  assert.deepEqual(operators(compiled.graph), ["Gemm", "Gemm"]);
});
