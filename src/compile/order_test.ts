import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { type CompiledDevice, compileProgram, traceProgram } from "../engines/compiled.ts";
import type { Program } from "../engines/engine.ts";
import { openEngine } from "../engines/open.ts";
import { normal } from "../engines/testing.ts";
import type { HostTensors } from "../tensor/host_tensor.ts";
import { optimize } from "./compile.ts";
import { peakBytes } from "./cost.ts";
import type { Graph } from "./ir.ts";
import { listSmallEarly, runOrder } from "./order.ts";
import { dropUnused, mergeEqual } from "./passes/prune.ts";
import { instructions, programOf } from "./random_programs.ts";

const WIDTH = 32, LAYERS = 4;

/** As a training step: layers whose slopes are made of more than one value, and matrices cut out of one vector, the last first. */
function network(): { program: Program; feeds: HostTensors } {
  const feeds = { x: normal([256, WIDTH], 1, "x"), W: normal([LAYERS * WIDTH * WIDTH], 0.2, "W") };
  const swish = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [tf.Tensor, tf.GradSaveFunc], gate = tf.sigmoid(x);
    save([x, gate]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [x, gate] = saved as [tf.Tensor, tf.Tensor];
      return tf.mul(dy, tf.mul(gate, tf.add(1, tf.mul(x, tf.sub(1, gate)))));
    };
    return { value: tf.mul(x, gate), gradFunc };
  });
  const loss = (W: tf.Tensor, x: tf.Tensor) => {
    const matrices = tf.split(W, LAYERS).map((part) => tf.reshape(part, [WIDTH, WIDTH]));
    return tf.sum(matrices.toReversed().reduce((y, W) => swish(tf.matMul(y, W)), x)) as tf.Scalar;
  };
  const apply: Program["apply"] = ({ x, W }) => ({ dW: tf.grad((W) => loss(W, x!))(W!) });
  return { program: { name: "network", inputs: feeds, apply }, feeds };
}

/** The places of a graph's operators in the order in which ONNX Runtime ran them, as its own trace of a run says. */
async function seen(program: Program, feeds: HostTensors): Promise<{ graph: Graph; places: number[] }> {
  const folder = await Deno.makeTempDir();
  try {
    const device = await openEngine("native", { profile: `${folder}/run` }) as CompiledDevice;
    const executable = await device.load(program);
    await executable.run(feeds);
    await executable.dispose();
    const [file] = [...Deno.readDirSync(folder)];
    const events = JSON.parse(Deno.readTextFileSync(`${folder}/${file!.name}`)) as {
      name: string;
      ts: number;
      args?: { node_index?: string };
    }[];
    const kernels = events.filter(({ name }) => name.endsWith("_kernel_time")).sort((a, b) => a.ts - b.ts);
    const places = kernels.map(({ args }) => Number(args!.node_index));
    return { graph: compileProgram(program, device.adapt).graph, places };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("runOrder() is the order in which ONNX Runtime runs a graph", async () => {
  const { program, feeds } = network(), { graph, places } = await seen(program, feeds);
  const listed = graph.nodes.filter(({ op }) => op !== "Constant");
  const order = runOrder(graph).filter(({ op }) => op !== "Constant").map((node) => listed.indexOf(node));
  assert.notDeepEqual(places, places.toSorted((a, b) => a - b), "this graph is run as it is listed, and tells nothing");
  assert.deepEqual(order, places);
});

Deno.test("runOrder() and listSmallEarly() keep a graph's nodes, each behind those that it reads", () => {
  fc.assert(fc.property(instructions, (list) => {
    const graph = dropUnused(traceProgram(programOf(list).program).graph);
    for (const nodes of [runOrder(graph), listSmallEarly(graph).nodes]) {
      assert.equal(nodes.length, graph.nodes.length);
      assert.deepEqual(new Set(nodes), new Set(graph.nodes));
      const place = new Map(nodes.map((node, i) => [node, i]));
      for (const node of nodes) {
        for (const { node: source } of node.inputs) {
          assert.ok(
            !source || place.get(source)! < place.get(node)!,
            `${node.op} stands before the ${source?.op} it reads`,
          );
        }
      }
    }
  }));
});

Deno.test("listSmallEarly() has each layer's slope made before the layers above, which takes less room", () => {
  const plain = mergeEqual(dropUnused(traceProgram(network().program).graph)), listed = listSmallEarly(plain);
  const layers = (graph: Graph) => runOrder(graph).map(({ op }) => op).filter((op) => op === "Sigmoid" || op === "Sub");
  assert.deepEqual(layers(listed), Array.from({ length: LAYERS }, () => ["Sigmoid", "Sub"]).flat());
  assert.ok(peakBytes(listed) < 0.9 * peakBytes(plain), `${peakBytes(listed)} bytes instead of ${peakBytes(plain)}`);
  assert.equal(peakBytes(optimize(plain)), peakBytes(listSmallEarly(optimize(plain))), "optimize() does it, too");
});
