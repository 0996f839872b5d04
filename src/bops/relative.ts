/** Bit operations against those of LoRA. */
import { MATRICES, type Site } from "../training/record.ts";
import { accountBops, type BopsAccount, type Scope, SCOPES } from "./account.ts";
import { adaptedPlaces, type Forward, placeOf } from "./shape.ts";

/** The rank of the LoRA that every method is compared with. */
const REFERENCE_RANK = 8;

/** The same forward pass with LoRA r = 8 in full precision on the same projections. */
export function loraReference(forward: Forward): Forward {
  const places = adaptedPlaces(forward), sites: Site[] = [];
  for (let layer = 0; layer < forward.shape.layers; layer++) {
    for (const matrix of MATRICES) {
      if (!places.has(placeOf(layer, matrix))) continue;
      sites.push({ layer, matrix, rank: REFERENCE_RANK, maxRank: REFERENCE_RANK, bits: {} });
    }
  }
  return { ...forward, sites, costs: [], virtualTokens: 0 };
}

/** Percent of a reference, scope by scope. */
export function percentOf(account: BopsAccount, reference: BopsAccount): Record<Scope, number> {
  return Object.fromEntries(
    SCOPES.map((scope) => [scope, 100 * account.scopes[scope] / reference.scopes[scope]]),
  ) as Record<Scope, number>;
}

/** Percent of the bit operations of LoRA r = 8 in full precision, same shape, same projections, scope by scope. */
export function relative(forward: Forward): Record<Scope, number> {
  return percentOf(accountBops(forward), accountBops(loraReference(forward)));
}
