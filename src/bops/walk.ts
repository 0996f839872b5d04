/** Counts bit operations by walking a list of products, whoever wrote the list: a description or a trace. */
import { type BopsAccount, type Part, PARTS, type Scope, SCOPES } from "./account.ts";

/** One product of a forward pass: multiply-accumulates of a weight (or a second activation) with an input. */
export interface Product {
  /** Where: `layer/matrix`, or the name of an attention product. */
  readonly site: string;
  readonly macs: number;
  readonly weightBits: number;
  readonly inputBits: number;
  /** The narrowest scope that contains it. */
  readonly scope: Scope;
  /** Which part of the adapted layers, where it is one. */
  readonly part?: Part;
}

/** Adds up the products, each in its scope and in all wider ones. @throws RangeError for a negative or unknown count */
export function countBops(products: Iterable<Product>): BopsAccount {
  const own = SCOPES.map(() => 0), parts = { W0: 0, A: 0, E: 0, B: 0, other: 0 };
  for (const product of products) {
    const { macs, weightBits, inputBits } = product, bops = macs * weightBits * inputBits;
    if (!(bops >= 0 && bops < Infinity)) {
      throw new RangeError(`Cannot count product "${product.site}": ${macs} MACs of ${weightBits} x ${inputBits} bits`);
    }
    const level = SCOPES.indexOf(product.scope);
    own[level] = (own[level] ?? 0) + bops;
    if (product.part && PARTS.includes(product.part) && level <= SCOPES.indexOf("adapted-layers")) {
      parts[product.part] += bops;
    }
  }
  let total = 0;
  const scopes = Object.fromEntries(SCOPES.map((scope, i) => [scope, total += own[i] ?? 0])) as Record<Scope, number>;
  return { scopes, parts };
}
