import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { encoderShapes, headShapes } from "../deberta/config.ts";
import { affine, encode, type Pass } from "../deberta/encoder.ts";
import { tokensFrom } from "../deberta/testing.ts";
import { attachMethod } from "../peft/registry.ts";
import { assertAllClose } from "../engines/testing.ts";
import { float32, int32 } from "../tensor/host_tensor.ts";
import { initializeModel } from "./initialize.ts";
import { calibrateProgram, type Model } from "./model.ts";
import { startingTensors, startRegisters } from "./start.ts";
import { portable, TINY } from "./testing.ts";

Deno.test("calibration measures the queries of every token, also in the last layer, which trains with the first one's alone", async () => {
  const labels = 2, model: Model = { config: TINY, adapter: attachMethod("blora", TINY), labels, classifierDropout: 0 };
  const weights = initializeModel({ ...encoderShapes(TINY), ...headShapes(TINY, labels) }, 0.5, 3);
  const ids = Array.from({ length: 24 }, (_, i) => i % 6 === 0 ? 1 : 2 + i * 7 % 14), shape = [4, 6];
  portable.clear();
  portable.write(startRegisters(model, startingTensors(model, weights, 0, null)));
  const calibration = await portable.load(calibrateProgram(model, 4, 6));
  const seen = await calibration.run({ ids: int32(shape, ids), mask: float32(shape, new Array(24).fill(1)) });
  await calibration.dispose();

  tf.setBackend("cpu");
  const largest = tf.tidy(() => {
    const weight = (name: string) => tf.tensor(weights[name]!.data as Float32Array, [...weights[name]!.shape]);
    let most = 0;
    const pass: Pass = {
      config: TINY,
      weight,
      linear: (modules, x) =>
        modules.map((module) => {
          const y = affine({ weight }, module, x);
          if (module.endsWith("query_proj")) most = Math.max(most, tf.max(tf.abs(y)).dataSync()[0]!);
          return y;
        }),
      afterSublayer: (_, h) => h,
      dropout: (_, x) => x,
    };
    encode(pass, tokensFrom([0, 6, 12, 18].map((from) => ids.slice(from, from + 6))));
    return most;
  });
  const measured = seen["attention/W0-out/0"]!.data[0]!;
  assert.ok(Math.abs(measured - largest) < 1e-5 * largest, `${measured}, expected ${largest}`);
});

for (const method of ["blora", "apiq"]) {
  Deno.test(`calibration of ${method} does not count padding`, async () => {
    const labels = 2, config = { ...TINY, layers: 2 };
    const model: Model = { config, adapter: attachMethod(method, config), labels, classifierDropout: 0 };
    const weights = initializeModel({ ...encoderShapes(config), ...headShapes(config, labels) }, 0.5, 2);
    // Padding enters as zeros, which biases change from the second layer on.
    for (const [name, { data }] of Object.entries(weights)) {
      if (name.endsWith("bias")) data.forEach((_, i) => data[i] = i % 3 - 1);
    }
    const ids = Array.from({ length: 12 }, (_, i) => i % 6 === 0 ? 1 : 2 + i * 7 % 14);
    portable.clear();
    portable.write(startRegisters(model, startingTensors(model, weights, 0, null)));
    const seenAmong = async (rows: number) => {
      const calibration = await portable.load(calibrateProgram(model, rows, 6)),
        padding = new Array(6 * rows - 12).fill(0);
      const mask = [...ids.map(() => 1), ...padding];
      const seen = await calibration.run({
        ids: int32([rows, 6], [...ids, ...padding]),
        mask: float32([rows, 6], mask),
      });
      await calibration.dispose();
      return seen;
    };
    assertAllClose(await seenAmong(4), await seenAmong(2), method, { abs: 1e-4, rel: 1e-5 });
  });
}
