/** LoRA whose factors start from a decomposition of the weights instead of at random. */
import type { DebertaConfig } from "../deberta/config.ts";
import { InputError } from "../errors.ts";
import { float32, type HostTensor, type HostTensors } from "../tensor/host_tensor.ts";
import { truncatedSvd } from "../tensor/svd.ts";
import { lowRankAdapter, type LowRankOptions, nameA, nameB } from "./low_rank.ts";
import { adaptedModules, type Adapter } from "./method.ts";

/** A sum of outer products, column row. */
export type OuterProducts = readonly { readonly column: Float64Array; readonly row: Float64Array }[];

/** @throws InputError if a matrix has not as many ranks */
export function preparedLowRank(method: string, config: DebertaConfig, options: LowRankOptions): Adapter {
  const adapter = lowRankAdapter(config, options, { rank: options.rank });
  for (const { matrix, into, out } of adaptedModules(config, options.target)) {
    const most = Math.min(into, out);
    if (options.rank <= most) continue;
    throw new InputError(
      `Method "${method}" cannot start from rank "${options.rank}" of ${matrix}, a matrix ${out} x ${into}: expected at most ${most}`,
    );
  }
  const prepared = Object.entries(adapter.parameters).map(([name, parameter]) => {
    return [name, { ...parameter, initial: { kind: "prepared" } as const }];
  });
  return { ...adapter, parameters: Object.fromEntries(prepared) };
}

/** The leading part of a matrix [out, in], as many products as the rank: its singular vectors, those of the columns by value. */
export function leading(W: HostTensor, rank: number): OuterProducts {
  const { left, values, right } = truncatedSvd(W, rank);
  return values.map((value, k) => ({ column: left[k]!.map((x) => x * value), row: right[k]! }));
}

/** The factors with B A = the sum of the products, of which there are as many as the rank. */
export function factorsOf(module: string, products: OuterProducts): HostTensors {
  const rank = products.length, into = products[0]!.row.length, out = products[0]!.column.length;
  const A = new Float32Array(rank * into), B = new Float32Array(out * rank);
  products.forEach(({ column, row }, k) => {
    A.set(row, k * into);
    column.forEach((x, i) => B[i * rank + k] = x);
  });
  return { [nameA(module)]: float32([rank, into], A), [nameB(module)]: float32([out, rank], B) };
}

/**
 * Products of which alpha / r makes the given ones, each one's size shared equally by column and row, so that both learn at one
 * pace. One of size zero keeps its row, so that its column can learn.
 */
export function balanced(products: OuterProducts, { rank, alpha }: LowRankOptions): OuterProducts {
  const scale = alpha / rank;
  return products.map(({ column, row }) => {
    const [tall, wide] = [column, row].map((v) => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0))) as [number, number];
    const size = Math.sqrt(tall * wide / scale);
    if (!(size > 0)) return { column: column.map(() => 0), row };
    return { column: column.map((x) => x * size / tall), row: row.map((x) => x * size / wide) };
  });
}

/** W less a sum of outer products. @param W [out, in] */
export function less(W: HostTensor, products: OuterProducts): HostTensor {
  const into = W.shape[1]!, rest = Float64Array.from(W.data);
  for (const { column, row } of products) {
    column.forEach((c, i) => row.forEach((r, j) => rest[i * into + j]! -= c * r));
  }
  return float32(W.shape, Float32Array.from(rest));
}

/** a - b */
export function difference(a: HostTensor, b: HostTensor): HostTensor {
  return float32(a.shape, Float32Array.from(a.data, (x, i) => x - b.data[i]!));
}

/** The sum of squared differences of two tensors. */
export function distance(a: HostTensor, b: HostTensor): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) {
    const apart = a.data[i]! - b.data[i]!;
    sum += apart * apart;
  }
  return sum;
}
