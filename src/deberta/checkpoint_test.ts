import assert from "node:assert/strict";
import { InputError } from "../errors.ts";
import { float32, int32 } from "../tensor/host_tensor.ts";
import { initializeModel } from "../training/initialize.ts";
import { TINY } from "../training/testing.ts";
import { encoderOf } from "./checkpoint.ts";
import { encoderShapes } from "./config.ts";

const encoder = initializeModel(encoderShapes(TINY), 0.2, 1), bias = "deberta.encoder.layer.0.output.dense.bias";

Deno.test("encoderOf() picks the encoder of a checkpoint and leaves its other tensors", () => {
  const heads = {
    "lm_predictions.lm_head.bias": float32([16]),
    "deberta.embeddings.position_embeddings.weight": float32([16, 8]),
  };
  assert.deepEqual(encoderOf({ ...heads, ...encoder }, TINY, "f"), encoder);
});

Deno.test("encoderOf() names a tensor that is missing, or that another model has", () => {
  const { [bias]: _, ...without } = encoder;
  const refused: [typeof encoder, RegExp][] = [
    [without, /"deberta.encoder.layer.0.output.dense.bias" should be float32 \[8\], and there is no such tensor$/],
    [{ ...encoder, [bias]: float32([9]) }, /should be float32 \[8\], and there is float32 \[9\]$/],
    [{ ...encoder, [bias]: int32([8], new Array(8).fill(0)) }, /should be float32 \[8\], and there is int32 \[8\]$/],
  ];
  for (const [tensors, message] of refused) {
    assert.throws(() => encoderOf(tensors, TINY, "model.safetensors"), (error: unknown) => {
      assert.ok(error instanceof InputError);
      assert.match(error.message, /^Cannot use "model.safetensors" as the backbone: /);
      assert.match(error.message, message);
      return true;
    });
  }
});
