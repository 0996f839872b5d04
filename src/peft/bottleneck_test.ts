import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { type DebertaConfig, encoderShapes } from "../deberta/config.ts";
import type { Scope } from "./method.ts";
import { normal } from "../engines/testing.ts";
import { type HostTensor, sizeOf } from "../tensor/host_tensor.ts";
import { attachMethod } from "./registry.ts";
import { config } from "./testing.ts";

const base: DebertaConfig = { ...config, hidden: 768, layers: 12, heads: 12, ffn: 3072 };
const layer = "deberta.encoder.layer.1";

/** The sublayer's output h [N, D] after the method, which has parameters of N(0, 0.5^2); and what it makes of it. */
function after(method: string, bottleneck: number, module: string) {
  const { parameters, open } = attachMethod(method, config, { bottleneck });
  const values = (name: string): HostTensor => normal(parameters[name]!.shape, 0.5, name);
  const h = normal([3, config.hidden]);
  const y = tf.tidy(() => {
    const upload = ({ data, shape }: HostTensor) => tf.tensor(data, shape.slice());
    const scope = { mode: "train", parameter: (name: string) => upload(values(name)) } as unknown as Scope;
    return open(scope).afterSublayer!(module, upload(h)).dataSync();
  });
  return { h: h.data, y, values: (name: string) => values(name).data };
}

/** x Phi(x), with Phi by Simpson's rule. */
function gelu(x: number): number {
  const density = (t: number) => Math.exp(-t * t / 2) / Math.sqrt(2 * Math.PI), steps = 200, width = x / steps;
  let sum = 0;
  for (let i = 0; i < steps; i++) sum += density(i * width) + 4 * density((i + 0.5) * width) + density((i + 1) * width);
  return x * (0.5 + sum * width / 6);
}

for (
  const [method, adapted] of [
    ["houlsby", [`${layer}.attention.output`, `${layer}.output`]],
    ["pfeiffer", [`${layer}.output`]],
  ] as const
) {
  Deno.test(`${method} adds up(gelu(down(h))) to the output of its sublayers, and leaves the others alone`, () => {
    const D = config.hidden, width = 3;
    const closing = [`${layer}.attention.output`, `${layer}.output`];
    for (const sublayer of closing) {
      const { h, y, values } = after(method, width, `${sublayer}.dense`);
      if (!adapted.some((name) => name === sublayer)) {
        assert.deepEqual([...y], [...h]);
        continue;
      }
      const [down, up] = ["down_proj", "up_proj"].map((name) => `${sublayer}.adapter.${name}`) as [string, string];
      const [W, b, V, c] = [`${down}.weight`, `${down}.bias`, `${up}.weight`, `${up}.bias`].map(values) as [
        Float32Array,
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      for (let n = 0; n < 3; n++) {
        const narrow = Array.from({ length: width }, (_, k) => {
          let sum = b[k]!;
          for (let j = 0; j < D; j++) sum += W[k * D + j]! * h[n * D + j]!;
          return gelu(sum);
        });
        for (let j = 0; j < D; j++) {
          const expected = h[n * D + j]! + c[j]! + narrow.reduce((sum, z, k) => sum + V[j * width + k]! * z, 0);
          assert.ok(Math.abs(y[n * D + j]! - expected) < 1e-5, `${sublayer} [${n}, ${j}]`);
        }
      }
    }
  });
}

Deno.test("houlsby and pfeiffer train the published numbers of parameters on DeBERTaV3-base", () => {
  // Budgets of the AdaLoRA paper (Zhang et al. 2023, arXiv 2303.10512, Table 1), in millions, which are within 2 % of ours.
  for (
    const [method, bottleneck, exact, published] of [
      ["houlsby", 32, 1_198_848, 1.22],
      ["houlsby", 16, 608_640, 0.61],
      ["houlsby", 8, 313_536, 0.31],
      ["pfeiffer", 64, 1_189_632, 1.18],
      ["pfeiffer", 32, 599_424, 0.60],
      ["pfeiffer", 16, 304_320, 0.30],
    ] as const
  ) {
    const { parameters, costs } = attachMethod(method, base, { bottleneck });
    const count = Object.values(parameters).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    assert.equal(count, exact, `${method} ${bottleneck}`);
    assert.ok(Math.abs(count / 1e6 / published - 1) < 0.02, `${method} ${bottleneck}`);
    // Each weight matrix multiplies every token once.
    const weights = Object.values(parameters).filter(({ shape }) => shape.length === 2);
    const macs = costs!({}).map(({ macsPerToken }) => macsPerToken);
    assert.deepEqual(macs, weights.map(({ shape }) => sizeOf(shape)));
  }
});

Deno.test("houlsby and pfeiffer name no tensor as the backbone does", () => {
  const backbone = new Set(Object.keys(encoderShapes(config)));
  for (const method of ["houlsby", "pfeiffer"]) {
    for (const name of Object.keys(attachMethod(method, config).parameters)) assert.ok(!backbone.has(name), name);
  }
});
