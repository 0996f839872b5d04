/**
 * The forward pass as a list of products, part by part of each layer (a method's own last): what the closed form of
 * `account.ts` is checked against, and whose sums a trace of the real model is compared with.
 */
import { MATRICES, type Matrix, type Site } from "../training/record.ts";
import { bitsOf, FULL } from "./account.ts";
import { adaptedPlaces, type Forward, placeOf, tokensOf, widths } from "./shape.ts";
import type { Product } from "./walk.ts";

/** Every product of one example's forward pass. */
export function describeForward(forward: Forward): Product[] {
  const products: Product[] = [];
  for (let layer = 0; layer < forward.shape.layers; layer++) products.push(...describeLayer(forward, layer));
  for (const { site, macsPerToken, ...bits } of forward.costs ?? []) {
    products.push({ site, part: "other", macs: tokensOf(forward) * macsPerToken, ...bits, scope: "adapter" });
  }
  const { hidden } = forward.shape, full = { weightBits: FULL, inputBits: FULL, scope: "model" } as const;
  products.push({ site: "pooler", macs: hidden * hidden, ...full });
  products.push({ site: "classifier", macs: hidden * forward.labels, ...full });
  return products;
}

function describeLayer(forward: Forward, layer: number): Product[] {
  const { shape } = forward, length = tokensOf(forward), places = adaptedPlaces(forward);
  const relativeRows = 2 * length - 1, positionRows = relativeRows / (forward.batch ?? 1);
  const site = (matrix: Matrix) => places.get(placeOf(layer, matrix)) ?? null;
  const out = (matrix: Matrix) => bitsOf(site(matrix), "out");
  const linear = (matrix: Matrix): Product[] => {
    const adapted = places.has(placeOf(layer, matrix));
    return linearMap(forward, placeOf(layer, matrix), matrix, site(matrix), length).map((product) =>
      adapted ? product : { ...product, scope: "encoder" }
    );
  };
  const position = (matrix: Matrix): Product[] =>
    linearMap(forward, `${layer}/position-${matrix}`, matrix, site(matrix), positionRows)
      .map(({ part: _, ...product }) => ({ ...product, scope: "encoder" }));
  const product = (name: string, rows: number, weightBits: number, inputBits: number): Product => ({
    site: `${layer}/${name}`,
    macs: length * rows * shape.hidden,
    weightBits,
    inputBits,
    scope: "encoder",
  });
  const [query, key, value, ...others] = MATRICES;
  return [
    ...[query, key, value].flatMap(linear),
    product("content-to-content", length, out("key"), out("query")),
    ...position("key"),
    product("content-to-position", relativeRows, out("key"), out("query")),
    ...position("query"),
    product("position-to-content", relativeRows, out("query"), out("key")),
    product("probabilities-value", length, out("value"), FULL),
    ...others.flatMap(linear),
  ];
}

/** The products of some rows through one linear map: W0, then A, E, B where it is adapted. */
function linearMap(forward: Forward, name: string, matrix: Matrix, site: Site | null, rows: number): Product[] {
  const [input, output] = widths(forward.shape, matrix), scope = "adapter" as const;
  const products: Product[] = [{
    site: name,
    part: "W0",
    macs: rows * input * output,
    weightBits: bitsOf(site, "W0"),
    inputBits: FULL,
    scope: "adapted-layers",
  }];
  if (!site) return products;
  const rank = site.rank, afterA = bitsOf(site, "A-out"), afterE = site.diagonal ? bitsOf(site, "E-out") : afterA;
  const adapter = (part: "A" | "E" | "B", macs: number, inputBits: number) =>
    products.push({ site: name, part, macs, weightBits: bitsOf(site, part), inputBits, scope });
  adapter("A", rows * input * rank, FULL);
  if (site.diagonal) adapter("E", rows * rank, afterA);
  adapter("B", rows * rank * output, afterE);
  return products;
}
