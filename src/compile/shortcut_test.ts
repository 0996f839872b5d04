import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { compileProgram } from "../engines/compiled.ts";
import type { Program, Tensors } from "../engines/engine.ts";
import { assertClose, compiled, cpu, normal, runOnce } from "../engines/testing.ts";
import { float32 } from "../tensor/host_tensor.ts";
import { everywhere, graphsIn } from "./ir.ts";
import { dropClosedRows, looseAxes } from "./passes/open_rows.ts";
import { takeLongWays } from "./passes/shortcuts.ts";
import { operators } from "./passes/testing.ts";
import { shortcut } from "./shortcut.ts";
import { trace } from "./tracer.ts";

type Tensor = tf.Tensor;

const native = compiled.filter(({ name }) => name === "native");
const positive = (x: Tensor) => tf.greater(tf.sum(x), 0);

/** A program of one input [rows, 4], for any even number of rows. */
function overRows(y: (x: Tensor, rows: number) => Tensor): Program {
  const at = (rows: number): Program => ({
    name: "shortcut",
    inputs: { x: { dtype: "float32", shape: [rows, 4] } },
    apply: ({ x }) => ({ y: y(x!, rows) }),
  });
  return { ...at(4), elastic: { unit: 2, sizeOf: ({ x }) => x!.shape[0]!, at } };
}

/** Ways that do not agree, so that one sees which was taken. */
const tell = (x: Tensor): Tensor =>
  shortcut(positive(x), { x }, { quick: ({ x }) => [tf.mul(x, 2)], general: ({ x }) => [tf.mul(x, 3)] })[0]!;

const ones = (rows: number, sign: number) => ({ x: float32([rows, 4], new Array(4 * rows).fill(sign)) });

for (const { name, device } of native) {
  Deno.test(`${name} takes a shortcut in the runs where it applies, for any number of rows`, async () => {
    const executable = await device.load(overRows((x) => tf.add(tell(x), 0.5)));
    for (const [rows, sign, expected] of [[4, 1, 2.5], [4, -1, -2.5], [6, 1, 2.5], [2, -1, -2.5]] as const) {
      const { y } = await executable.run(ones(rows, sign));
      assert.deepEqual([...y!.data], new Array(4 * rows).fill(expected));
    }
    await executable.dispose();
  });

  Deno.test(`${name} finds shapes and constants inside of shortcuts, and shortcuts inside of shortcuts`, async () => {
    const halves = (x: Tensor, rows: number) => tf.reshape(x, [rows / 2, 8]), limit = [0.5, -0.25, 1, 2];
    const executable = await device.load(overRows((x, rows) => {
      const [y, z] = shortcut(positive(x), { x, twice: tf.mul(x, 2) }, {
        quick: ({ x, twice }) => [halves(twice, rows), tf.minimum(x, limit)],
        general: ({ x }) => [halves(tell(tf.neg(x)), rows), tf.maximum(x, limit)],
      }) as [Tensor, Tensor];
      return tf.add(tf.sum(tf.square(y)), tf.sum(z));
    }));
    for (const rows of [4, 8]) {
      for (const sign of [1, -1]) {
        const { y } = await executable.run(ones(rows, sign));
        const limits = limit.map((n) => sign > 0 ? Math.min(1, n) : Math.max(-1, n)).reduce((a, b) => a + b);
        assert.equal(y!.data[0], rows * (4 * 4 + limits), `${rows} rows of ${sign}`);
      }
    }
    await executable.dispose();
  });
}

Deno.test("engines other than native take the general way, which holds in any case", async () => {
  for (const device of [cpu, compiled.find(({ name }) => name === "portable")!.device]) {
    const program = overRows(tell), { y } = await runOnce(device, program, ones(2, 1));
    assert.deepEqual([...y!.data], new Array(8).fill(3));
  }
});

Deno.test("takeLongWays() leaves nothing of shortcuts but what general ways compute, once where it is the same", async () => {
  const general = ({ x }: { x: Tensor }) => [tf.exp(tell(tf.neg(x)))];
  const both = (x: Tensor) => {
    const [y] = shortcut(positive(x), { x }, { quick: ({ x }) => [x], general }) as [Tensor];
    const [z] = shortcut(positive(x), { x }, { quick: ({ x }) => [tf.neg(x)], general }) as [Tensor];
    return tf.add(y, z);
  };
  const program = overRows(both), { graph } = compileProgram(program, takeLongWays);
  assert.deepEqual(operators(graph), ["Neg", "Mul", "Exp", "Add"]);
  const feeds = { x: normal([4, 4], 1, "long") }, portable = compiled.find(({ name }) => name === "portable")!.device;
  const expected = await runOnce(cpu, program, feeds);
  assertClose((await runOnce(portable, program, feeds)).y, expected.y!, "the general way");
});

Deno.test("passes rewrite what is inside of a shortcut, and never take one for another", () => {
  const program = overRows((x) => {
    const ways = { quick: ({ x }: { x: Tensor }) => [x], general: ({ x }: { x: Tensor }) => [tf.add(tf.mul(x, 1), 0)] };
    const [y] = shortcut(positive(x), { x }, ways) as [Tensor];
    const [z] = shortcut(positive(x), { x }, { ...ways, general: ({ x }) => [tf.div(tf.mul(x, 1), tf.exp(x))] }) as [
      Tensor,
    ];
    return tf.add(y, z);
  });
  const ifs = compileProgram(program, (graph) => graph).graph.nodes.filter(({ op }) => op === "If");
  const inside = ifs.map((node) => graphsIn(node).map(operators));
  assert.deepEqual(inside, [[[], []], [[], ["Exp", "Div"]]]);
});

Deno.test("looseAxes() follows rows that may be left out into a shortcut and out of it", () => {
  const openRows = (mixture: Tensor) => tf.engine().runKernel("OpenRows", { mixture }) as Tensor;
  const specs = { weights: { dtype: "float32", shape: [1, 1, 4] }, x: { dtype: "float32", shape: [3, 4, 9] } } as const;
  const traced = trace(specs, ({ weights, x }) => {
    const rows = openRows(weights!);
    const [picked, same, flat] = shortcut(positive(weights!), { rows, x: x! }, {
      quick: ({ rows, x }) => [tf.matMul(rows, x), x, tf.reshape(tf.exp(x), [-1])],
      general: ({ x }) => [tf.exp(x), tf.neg(x), tf.reshape(x, [-1])],
    }) as [Tensor, Tensor, Tensor];
    return { picked, same, flat, after: tf.add(picked, 1) };
  });
  const graph = everywhere(traced, dropClosedRows), loose = looseAxes(graph);
  const axes = Object.entries(graph.outputs).map(([name, value]) => [name, [...loose.get(value) ?? []]]);
  assert.deepEqual(Object.fromEntries(axes), { picked: [-2], same: [], flat: [], after: [-2] });
});

Deno.test("a shortcut must make what the general way makes, and draws no random numbers of its own", () => {
  const refused = (quick: (x: Tensor) => Tensor[], general: (x: Tensor) => Tensor[], message: RegExp) => {
    const traced = () =>
      trace({ x: { dtype: "float32", shape: [2, 3] } }, ({ x }, input) => {
        draw = () => input("noise", { dtype: "float32", shape: [2, 3] });
        return {
          y: shortcut(positive(x!), { x: x! }, { quick: ({ x }) => quick(x), general: ({ x }) => general(x) })[0]!,
        };
      });
    assert.throws(traced, message);
  };
  let draw: () => Tensor;
  refused((x) => [tf.sum(x)], (x) => [x], /makes float32 \[\] where the general way makes float32 \[2,3\]$/);
  refused((x) => [tf.reshape(x, [3, 2])], (x) => [x], /makes float32 \[3,2\] where/);
  refused((x) => [tf.greater(x, 0)], (x) => [x], /makes bool \[2,3\] where/);
  refused((x) => [x, x], (x) => [x], /makes float32 \[2,3\], float32 \[2,3\] where/);
  refused((x) => [x], (x) => [tf.add(x, draw())], /^Error: A shortcut cannot draw random numbers: pass them to it$/);
});

Deno.test("a traced function goes on where it was when a way of a shortcut fails", () => {
  const graph = trace({ x: { dtype: "float32", shape: [3] } }, ({ x }) => {
    const y = tf.neg(x!), fails = { quick: () => [tf.cumsum(x!)], general: ({ x }: { x: Tensor }) => [x] };
    assert.throws(() => shortcut(positive(x!), { x: x! }, fails));
    return { z: tf.exp(y) };
  });
  assert.deepEqual(operators(graph), ["Neg", "Exp"]);
});

Deno.test("a shortcut may read what it is given and nothing else", () => {
  const outside = ({ x }: Tensors) => {
    const other = tf.neg(x!);
    return {
      y: shortcut(positive(x!), { x: x! }, { quick: ({ x }) => [x], general: ({ x }) => [tf.add(x, other)] })[0]!,
    };
  };
  assert.throws(
    () => trace({ x: { dtype: "float32", shape: [3] } }, ({ x }) => outside({ x: x! })),
    /^Error: A tensor of shape \[3\] made outside the traced function/,
  );
});

Deno.test("graphs that differ inside of a shortcut are not one graph for all sizes", () => {
  const refused = (y: (x: Tensor, rows: number) => Tensor, reason: RegExp) =>
    assert.throws(() => compileProgram(overRows(y), (graph) => graph), reason);
  const choose = (x: Tensor, general: (x: Tensor) => Tensor) =>
    shortcut(positive(x), { x }, { quick: ({ x }) => [x], general: ({ x }) => [general(x)] })[0]!;
  refused((x, rows) => choose(x, (x) => rows > 2020 ? tf.exp(x) : tf.neg(x)), /differ in node 0, Neg and Exp/);
  refused((x) => choose(x, tf.zerosLike), /constant of shape \[2018,4\] would grow/);
});
