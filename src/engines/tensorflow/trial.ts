/** Opens an installation and takes a gradient with it. Prints what it found as JSON. */
import * as tf from "@tensorflow/tfjs";
import { describeTensorFlow, openTensorFlow } from "./open.ts";
import type { Found } from "./setup.ts";

const device = await openTensorFlow(Deno.args[0]!);
const executable = await device.load({
  name: "self-test",
  inputs: { x: { dtype: "float32", shape: [2, 2] } },
  apply: ({ x }) => ({ slope: tf.grad((x) => tf.sum(tf.matMul(x, x)))(x!) }),
});
// The gradient of sum (x x) for x = [[1, 2], [3, 4]] has the elements r_j + c_i of row sums r and column sums c.
const { slope } = await executable.run({ x: { dtype: "float32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } });
const got = [...slope!.data].join(" ");
if (got !== "7 11 9 13") throw new Error(`A gradient came out as ${got} instead of 7 11 9 13`);
console.log(JSON.stringify(describeTensorFlow() satisfies Found));
Deno.exit(0);
