import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { compileProgram } from "../engines/compiled.ts";
import type { Program, Tensors } from "../engines/engine.ts";
import { assertAllClose, compiled, cpu, normal, runOnce } from "../engines/testing.ts";
import { extentsAt, joinSizes } from "./elastic.ts";

/** A program over [rows, 6] for any number of rows. */
function overRows(apply: (given: Tensors, rows: number) => Tensors, unit = 4): Program {
  const at = (rows: number): Program => ({
    name: `over ${rows} rows`,
    inputs: { x: { dtype: "float32", shape: [rows, 6] } },
    apply: (given) => apply(given, rows),
  });
  return { ...at(40), elastic: { unit, sizeOf: ({ x }) => x!.shape[0]!, at } };
}

const FUNCTIONS: Readonly<Record<string, (given: Tensors, rows: number) => Tensors>> = {
  "splits, slices and joins": ({ x }, rows) => {
    const [a, b] = tf.split(x!, [rows - 3, 3]) as [tf.Tensor, tf.Tensor];
    return { y: tf.concat([b, a, tf.slice(x!, [2, 0], [rows - 2, -1])]) };
  },
  "quarters and reshapes": ({ x }, rows) => {
    const quarters = tf.split(x!, 4);
    return { y: tf.transpose(tf.reshape(tf.add(quarters[0]!, quarters[3]!), [rows / 2, 3]), [1, 0]) };
  },
  "gradients of slices, sums and broadcasts": ({ x }) => {
    const loss = (x: tf.Tensor) => {
      const squares = tf.sum(tf.square(tf.slice(x, [1, 1], [3, 4])));
      return tf.add(squares, tf.sum(tf.mul(tf.sum(x, 0), tf.sum(tf.exp(x)))));
    };
    return { y: tf.grad(loss)(x!) };
  },
  "a matrix product with its own transpose": ({ x }) => ({
    y: tf.matMul(x!, x!, false, true),
    z: tf.matMul(x!, x!, true),
  }),
};

for (const { name, device } of compiled) {
  for (const [what, apply] of Object.entries(FUNCTIONS)) {
    Deno.test(`${name}: one graph does ${what} for any number of rows`, async () => {
      const program = overRows(apply);
      const executable = await device.load(program);
      for (const rows of [8, 40, 4, 12, 8]) {
        const feeds = { x: normal([rows, 6], 1, "rows") };
        const expected = await runOnce(cpu, program, feeds);
        assertAllClose(await executable.run(feeds), expected, `${rows} rows`, { abs: 1e-5, rel: 1e-5 });
      }
      await executable.dispose();
    });
  }
}

Deno.test("a function whose operations depend on the size is refused, and what differs is named", () => {
  const refused = (apply: (given: Tensors, rows: number) => Tensors, reason: RegExp) => {
    assert.throws(() => compileProgram(overRows(apply), (graph) => graph), reason);
  };
  const more = (rows: number) => rows > 4 * 1010;
  refused(({ x }, rows) => ({ y: more(rows) ? tf.exp(x!) : tf.neg(x!) }), /differ in node 0, Neg and Exp/);
  refused(({ x }, rows) => ({ y: more(rows) ? tf.exp(tf.exp(x!)) : tf.exp(x!) }), /differ in their number of nodes/);
  refused(({ x }, rows) => ({ y: tf.mul(x!, 1 / rows) }), /differ in node 0, Constant and Constant/);
  refused(
    ({ x }, rows) => ({ y: tf.mul(x!, tf.range(0, rows, 1).expandDims(1)) }),
    /constant of shape \[4036\] would grow/,
  );
});

for (const { name, device } of compiled) {
  Deno.test(`${name}: a function whose operations depend on the size is compiled for each that occurs`, async () => {
    const program = overRows(({ x }, rows) => ({ y: rows > 10 ? tf.exp(x!) : tf.neg(x!) }));
    // Sizes of no run differ, too.
    const { elastic } = program,
      twisted = {
        ...program,
        elastic: {
          ...elastic!,
          at: (rows: number) => {
            const { apply, ...rest } = elastic!.at(rows);
            return { ...rest, apply: rows > 4 * 1010 ? ({ x }: Tensors) => ({ y: tf.exp(tf.neg(x!)) }) : apply };
          },
        },
      };
    const executable = await device.load(twisted);
    for (const rows of [8, 12, 8]) {
      const feeds = { x: normal([rows, 6], 1, "each") };
      assertAllClose(await executable.run(feeds), await runOnce(cpu, program, feeds), `${rows} rows`);
    }
    await executable.dispose();
  });
}

Deno.test("a graph that some sizes do not divide is no graph for all of them", () => {
  const thirds = overRows(({ x }, rows) => ({ y: tf.reshape(x!, [rows * 6 / 16, 16]) }));
  assert.throws(() => compileProgram(thirds, (graph) => graph), /not whole for all sizes/);
});

Deno.test("extents that are no whole numbers for a size are refused", () => {
  assert.deepEqual(extentsAt([{ slope: 0.5, offset: 1 }, { slope: 0, offset: 3 }], 6), [4, 3]);
  assert.deepEqual(
    extentsAt([{ slope: 0, offset: -1 }, { slope: 1, offset: 0 }], 5),
    [-1, 5],
    "the rest, and what grows",
  );
  assert.throws(() => extentsAt([{ slope: 0.5, offset: 1 }], 5), /no size "5"/);
  assert.throws(() => extentsAt([{ slope: 1, offset: -8 }], 5), /no size "5"/);
});

Deno.test("joinSizes() says of what grows how it does, and of everything else that it does not", () => {
  const { graph, shapeOf, attributeOf } = compileProgram(overRows(FUNCTIONS["splits, slices and joins"]!), (g) => g);
  assert.deepEqual(shapeOf(graph.inputs.x!), [{ slope: 1, offset: 0 }, { slope: 0, offset: 6 }]);
  assert.deepEqual(shapeOf(graph.outputs.y!), [{ slope: 2, offset: -2 }, { slope: 0, offset: 6 }]);
  const split = graph.nodes.find(({ op }) => op === "Split")!;
  assert.deepEqual(attributeOf(split, "split"), [{ slope: 1, offset: -3 }, { slope: 0, offset: 3 }]);
  assert.equal(shapeOf(split.outputs[1]!), null);
  assert.equal(joinSizes({ graph, size: 1 }, { graph, size: 2 }).shapeOf(graph.inputs.x!), null);
});
