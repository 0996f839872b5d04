import assert from "node:assert/strict";
import { encoderShapes } from "../deberta/config.ts";
import { InputError } from "../errors.ts";
import { normal } from "../engines/testing.ts";
import { LEVELS, roundToBlocks, storedBits } from "../quantization/normal_float.ts";
import { float32, type HostTensor, sizeOf } from "../tensor/host_tensor.ts";
import { initializeModel } from "../training/initialize.ts";
import { chooseFormats, decompose, type LqLoraOptions } from "./lq_lora.ts";
import { adaptedModules } from "./method.ts";
import { attachMethod } from "./registry.ts";
import { config } from "./testing.ts";

const rank = 4, options = (budget: number) => ({ rank, alpha: 16, target: "qkv", budget, turns: 5 }) as LqLoraOptions;

/** Matrices of three sizes of weights. */
const matrices = [0.02, 0.1, 0.5].map((std) => normal([32, 24], std, `std ${std}`));
const square = (data: Iterable<number>) => Array.from(data).reduce((sum, x) => sum + x * x, 0);
const minus = (a: HostTensor, b: ArrayLike<number>) => Array.from(a.data, (x, i) => x - b[i]!);

/** Q + L1 L2 */
function whole({ Q, low }: ReturnType<typeof decompose>): number[] {
  const into = Q.shape[1]!;
  return Array.from(Q.data, (q, at) => {
    return low.reduce((sum, { column, row }) => sum + column[Math.floor(at / into)]! * row[at % into]!, q);
  });
}

Deno.test("decompose() gets closer to W with every turn that it takes, and closer than quantization alone", () => {
  const W = matrices[1]!, { parts } = chooseFormats([W], options(3)), format = { bits: 2, block: 32 } as const;
  const errors = [1, 2, 3, 6].map((turns) => decompose(W, parts[0]!, format, turns));
  errors.forEach((split, i) => {
    assert.ok(Math.abs(square(minus(W, whole(split))) / split.error - 1) < 1e-3);
    assert.ok(i === 0 || split.error <= errors[i - 1]!.error);
  });
  assert.ok(errors[3]!.error < 0.98 * errors[0]!.error, `${errors.map(({ error }) => error)}`);
  assert.ok(errors[0]!.error < 0.9 * square(minus(W, roundToBlocks(W, format).data)));
});

Deno.test("chooseFormats() spends no more than its budget, and more bits where weights are larger", () => {
  const size = sizeOf(matrices[0]!.shape),
    used = [2.2, 2.6, 3, 3.5, 4.6].map((budget) => {
      const { formats } = chooseFormats(matrices, options(budget));
      const bits = formats.reduce((sum, format) => sum + storedBits(size, format), 0) / (3 * size);
      assert.ok(bits <= budget, `${bits} bits a weight of ${budget}`);
      assert.ok(formats[0]!.bits <= formats[1]!.bits && formats[1]!.bits <= formats[2]!.bits);
      return bits;
    });
  assert.deepEqual(used, used.toSorted((a, b) => a - b));
  assert.ok(used[4]! > 4 && used[0]! < 2.2);
  const { formats } = chooseFormats(matrices, options(3));
  assert.ok(formats[0]!.bits < formats[2]!.bits);
});

Deno.test("lq-lora starts as W0 = Q + alpha / r B A with Q in few levels, and reports and keeps each matrix's width", () => {
  const wide = { ...config, hidden: 16, ffn: 32 }, backbone = initializeModel(encoderShapes(wide), 0.1, 1);
  const given = { backbone, seed: 1, seen: {} },
    adapter = attachMethod("lq-lora", wide, { rank: 2, alpha: 8, budget: 3 });
  const { backbone: kept, parameters } = adapter.prepare!(given), sites = adapter.observe(parameters!);
  adaptedModules(wide, "qkv").forEach(({ module }, i) => {
    const name = `${module}.weight`, W = backbone[name]!, Q = kept![name]!;
    const merged = adapter.merge!(kept!, parameters!)[name]!;
    const W0 = sites[i]!.bits.W0 as 2 | 3 | 4;
    assert.ok(square(minus(W, merged.data)) < square(minus(W, roundToBlocks(W, { bits: W0, block: 64 }).data)));
    assert.ok(W0 < 4);
    // The smallest block is 16 weights, and every larger one is made of such.
    for (let from = 0; from < Q.data.length; from += 16) {
      assert.ok(new Set(Q.data.subarray(from, from + 16)).size <= LEVELS[W0].length);
    }
  });
  const restored = attachMethod("lq-lora", wide, { rank: 2, alpha: 8, budget: 3 });
  const saved = adapter.save(parameters!);
  restored.restore({ ...saved, config: JSON.parse(JSON.stringify(saved.config)) });
  assert.deepEqual(restored.observe({}), sites);
});

Deno.test("lq-lora refuses a rank that its matrices do not have", () => {
  assert.throws(() => attachMethod("lq-lora", config, { rank: 9 }), (error) => {
    assert.ok(error instanceof InputError);
    assert.match(
      error.message,
      /^Method "lq-lora" cannot start from rank "9" of query, a matrix 8 x 8: expected at most 8$/,
    );
    return true;
  });
});

Deno.test("decompose() splits a matrix of the rank of its low part, which leaves nothing to quantize", () => {
  const W = float32([2, 2], [3, 0, 0, 0]), { parts } = chooseFormats([W], { ...options(3), rank: 1 });
  const { Q, error } = decompose(W, parts[0]!, { bits: 2, block: 16 }, 3);
  assert.deepEqual([...Q.data, error], [0, 0, 0, 0, 0]);
});
