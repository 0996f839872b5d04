import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { normal } from "../engines/testing.ts";
import type { HostTensor, HostTensors } from "../tensor/host_tensor.ts";
import { adaptedModules, type Adapter, type Scope } from "./method.ts";
import { attachMethod } from "./registry.ts";
import { config } from "./testing.ts";

const rows = 5, heads = 3, rank = 2, alpha = 6;
const [query, key, value] = adaptedModules(config, "qkv").map(({ module }) => module) as [string, string, string];

/** What an adapter adds to projections that are zero. */
function updates(adapter: Adapter, modules: readonly string[], x: HostTensor, tensors: HostTensors): Float32Array[] {
  tf.setBackend("cpu");
  return tf.tidy(() => {
    const upload = ({ data, shape }: HostTensor) => tf.tensor(data, shape.slice());
    const affine = () => tf.zeros([rows, config.hidden]);
    const scope = { parameter: (name: string) => upload(tensors[name]!), affine, mode: "evaluate" } as unknown as Scope;
    return adapter.open(scope).linear!(modules, upload(x))!.map((y) => Float32Array.from(y.dataSync()));
  });
}

const tensorsOf = ({ parameters }: Adapter): HostTensors =>
  Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, normal(shape, 1, name)]));

Deno.test("each token's update is its own softmax mixture of the heads, over one A", () => {
  const adapter = attachMethod("hydralora", config, { heads, rank, alpha }), tensors = tensorsOf(adapter);
  const x = normal([rows, config.hidden], 1, "x"), made = updates(adapter, [query, key, value], x, tensors);
  [query, key, value].forEach((module, m) => {
    const [A, B, R] = ["lora_A", "lora_B", "lora_route"].map((part) => tensors[`${module}.${part}.weight`]!.data);
    for (let n = 0; n < rows; n++) {
      const dot = (matrix: ArrayLike<number>, row: number) => {
        let sum = 0;
        for (let j = 0; j < config.hidden; j++) {
          sum += x.data[n * config.hidden + j]! * matrix[row * config.hidden + j]!;
        }
        return sum;
      };
      const scores = Array.from({ length: heads }, (_, i) => Math.exp(dot(R!, i)));
      const total = scores.reduce((a, b) => a + b, 0);
      for (let o = 0; o < config.hidden; o++) {
        let expected = 0;
        scores.forEach((score, i) => {
          for (let k = 0; k < rank; k++) {
            const b = B![o * heads * rank + i * rank + k]!;
            expected += alpha / rank * score / total * b * dot(A!, k);
          }
        });
        assert.ok(Math.abs(made[m]![n * config.hidden + o]! - expected) < 1e-4 * Math.max(1, Math.abs(expected)));
      }
    }
  });
});

Deno.test("one head is LoRA, whatever its router says", () => {
  const hydra = attachMethod("hydralora", config, { heads: 1, rank, alpha }), tensors = tensorsOf(hydra);
  const x = normal([rows, config.hidden], 1, "x"), lora = attachMethod("lora", config, { rank, alpha });
  const [made] = updates(hydra, [value], x, tensors), [expected] = updates(lora, [value], x, tensors);
  made!.forEach((y, i) => assert.ok(Math.abs(y - expected![i]!) < 1e-5));
});

Deno.test("costs() counts the router, the shares and the heads beyond the first", () => {
  const { costs } = attachMethod("hydralora", config, { heads, rank, target: "qv" });
  const D = config.hidden, perSite = [heads * D, heads * rank, (heads - 1) * rank * D];
  assert.deepEqual(costs!({}).map(({ macsPerToken }) => macsPerToken), Array(4).fill(perSite).flat());
});
