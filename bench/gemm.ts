/** The fastest that a machine multiplies matrices through an engine: what a training step's speed is held against. */
import * as tf from "@tensorflow/tfjs";
import { type EngineName, openEngine } from "../src/engines/open.ts";
import { float32 } from "../src/tensor/host_tensor.ts";
import { ours, resultOf } from "./child.ts";
import { given } from "./request.ts";

/** Milliseconds of trying. A machine that others use, too, is at its fastest now and then. */
const PATIENCE = 4000;

/** The fastest of many large products, in GFLOP/s. */
export async function ceiling(engine: EngineName, threads: number): Promise<number> {
  const device = await openEngine(engine, { threads }), size = 1024, until = performance.now() + PATIENCE;
  const spec = { dtype: "float32" as const, shape: [size, size] };
  const data = Float32Array.from({ length: size * size }, (_, i) => (i * 7919 % 1009) / 1009);
  const matrix = float32([size, size], data), count = 8;
  const product = await device.load({
    name: "ceiling",
    inputs: { a: spec, b: spec },
    apply: ({ a, b }) => {
      let y = a!;
      for (let i = 0; i < count; i++) y = tf.matMul(y, b!);
      return { y: tf.sum(y) };
    },
  });
  let best = Infinity;
  while (performance.now() < until) {
    const started = performance.now();
    await product.run({ a: matrix, b: matrix });
    best = Math.min(best, performance.now() - started);
  }
  await product.dispose();
  return 2 * count * size ** 3 / best / 1e6;
}

/** The ceiling of engine `native`, measured in a process of its own. */
export async function measureCeiling(threads: number): Promise<number> {
  return await resultOf<number>("The speed of matrix products", ours("./gemm.ts", threads));
}

if (import.meta.main) {
  console.log(JSON.stringify(await ceiling("native", given<number>())));
  Deno.exit(0);
}
