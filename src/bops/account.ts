/**
 * Bit operations of a forward pass, in closed form.
 *
 * `BOPs = MACs * bits(weight) * bits(input activation)`, without an accumulator term and without biases (after
 * Baskin et al. 2018, arXiv 1804.10969, whose accumulator term is dropped; full precision is 32 x 32).
 * Rules, per token of a linear map n -> m with effective rank r:
 *
 * - W0: n m, A: n r, E: r (where the update has one), B: r m.
 * - A method's other products (`costs`): as many as it says for each token, part of the scope `adapter`.
 *   The rows of the relative table pass through them, too, where they lie in a query or key projection: not counted.
 * - Tokens that a method adds lengthen the example.
 * - W0 and A read the layer's input: 32 bits, for in this encoder every such input leaves a LayerNorm, a GELU or the
 *   probability-weighted sum of values, none of which is quantized.
 * - E reads A's activation; B reads E's (A's where there is no E).
 * - The activations `W0-out` and `AB-out` enter a sum only, so they change no count.
 *
 * Choices, where the literature leaves them open:
 *
 * - [choice] The outputs of query, key and value (`out`) are the inputs of the attention products, at their bit width;
 *   attention probabilities are 32 bits.
 * - [choice] The disentangled position products run over the 2L - 1 relative rows that an example of L tokens can see,
 *   whole even where the model computes the first token's alone; those rows pass through the adapted query and key maps once per forward pass and are
 *   shared by its batch. All of it counts as `encoder`, so that the narrower scopes are per-token costs alone.
 * - [choice] Adapters are counted beside W0, not merged into it. Embedding look-ups, LayerNorm, GELU and softmax are no
 *   products of a weight and an activation and count nothing.
 * - [choice] Where a method adapts no linear map, query, key and value stand for the adapted layers, in full precision.
 * - [choice] A weight counts at the width that it is stored at, also where it is a code that a table or a zero point turns into
 *   a real number before the product (QLoRA, LQ-LoRA, ApiQ, Q-BaRA, QA-HiRA).
 * - [choice] A mean length stands for its examples, although attention grows with the square of the length.
 */
import { MATRICES, type Matrix, type Quantized, type Site } from "../training/record.ts";
import { adaptedPlaces, type Forward, placeOf, tokensOf, widths } from "./shape.ts";

/** From the narrowest to the widest; each contains the one before. */
export const SCOPES = ["adapter", "adapted-layers", "encoder", "model"] as const;
export type Scope = typeof SCOPES[number];

/** The weights of an adapted linear map, and a method's products besides them. */
export const PARTS = ["W0", "A", "E", "B", "other"] as const;
export type Part = typeof PARTS[number];

/** Bit operations of one example. */
export interface BopsAccount {
  /** Within each scope. */
  readonly scopes: Readonly<Record<Scope, number>>;
  /** Of each part, over all adapted layers: they add up to the scope `adapted-layers`. */
  readonly parts: Readonly<Record<Part, number>>;
}

/** Full precision. */
export const FULL = 32;

/** Bit width of one quantized item, 32 where it is not quantized. */
export function bitsOf(site: Site | null | undefined, item: Quantized): number {
  return site?.bits[item] ?? FULL;
}

/**
 * Counts the bit operations of one example.
 * @throws RangeError for sites that do not fit the shape, or a length that is not positive
 */
export function accountBops(forward: Forward): BopsAccount {
  const { shape, costs = [] } = forward, length = tokensOf(forward);
  if (!(length > 0)) throw new RangeError(`Cannot count the bit operations of ${length} tokens, expected at least one`);
  const places = adaptedPlaces(forward);
  const parts = { W0: 0, A: 0, E: 0, B: 0, other: 0 };
  for (const cost of costs) parts.other += length * cost.macsPerToken * cost.weightBits * cost.inputBits;
  const relativeRows = 2 * length - 1;
  let rest = 0;
  for (let layer = 0; layer < shape.layers; layer++) {
    const siteOf = (matrix: Matrix) => places.get(placeOf(layer, matrix));
    for (const matrix of MATRICES) {
      const cost = rowCost(forward, matrix, siteOf(matrix));
      if (places.has(placeOf(layer, matrix))) { for (const part of WEIGHTS) parts[part] += length * cost[part]; }
      else rest += length * cost.W0;
    }
    const query = siteOf("query"), key = siteOf("key"), value = siteOf("value");
    for (const cost of [rowCost(forward, "query", query), rowCost(forward, "key", key)]) {
      rest += relativeRows * (cost.W0 + cost.A + cost.E + cost.B) / (forward.batch ?? 1);
    }
    const perPair = shape.hidden * bitsOf(query, "out") * bitsOf(key, "out");
    rest += length * length * perPair + 2 * length * relativeRows * perPair;
    rest += length * length * shape.hidden * FULL * bitsOf(value, "out");
  }
  const adapter = parts.A + parts.E + parts.B + parts.other, adapted = parts.W0 + adapter;
  const head = (shape.hidden * shape.hidden + shape.hidden * forward.labels) * FULL * FULL;
  return {
    scopes: { adapter, "adapted-layers": adapted, encoder: adapted + rest, model: adapted + rest + head },
    parts,
  };
}

const WEIGHTS = ["W0", "A", "E", "B"] as const;

/** Bit operations of one row through one linear map, by weight. */
function rowCost(
  { shape }: Forward,
  matrix: Matrix,
  site: Site | null | undefined,
): Record<typeof WEIGHTS[number], number> {
  const [input, output] = widths(shape, matrix);
  const W0 = input * output * bitsOf(site, "W0") * FULL;
  if (!site) return { W0, A: 0, E: 0, B: 0 };
  return {
    W0,
    A: input * site.rank * bitsOf(site, "A") * FULL,
    E: site.diagonal ? site.rank * bitsOf(site, "E") * bitsOf(site, "A-out") : 0,
    B: site.rank * output * bitsOf(site, "B") * bitsOf(site, site.diagonal ? "E-out" : "A-out"),
  };
}

/** Share of each part in the adapted layers, adding up to 1. */
export function sharesOf(account: BopsAccount): Record<Part, number> {
  const total = account.scopes["adapted-layers"];
  return Object.fromEntries(PARTS.map((part) => [part, account.parts[part] / total])) as Record<Part, number>;
}
