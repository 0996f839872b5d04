/** The sizes of an encoder, as far as counting its operations needs them. */
import type { Cost } from "../peft/method.ts";
import { MATRICES, type Matrix, type Site } from "../training/record.ts";

/** Sizes of a DeBERTaV3 backbone; `heads` and `positionBuckets` change no count and are there to be printed. */
export interface EncoderShape {
  readonly hidden: number;
  readonly ffn: number;
  readonly layers: number;
  readonly heads: number;
  readonly vocab: number;
  readonly positionBuckets: number;
}

/** Input and output width of a linear projection. */
export function widths(shape: EncoderShape, matrix: Matrix): readonly [input: number, output: number] {
  if (matrix === "intermediate") return [shape.hidden, shape.ffn];
  if (matrix === "output") return [shape.ffn, shape.hidden];
  return [shape.hidden, shape.hidden];
}

/** The shape in words, for captions. */
export function describeShape(shape: EncoderShape): string {
  return `${shape.layers} layers, hidden ${shape.hidden}, ${shape.heads} heads, FFN ${shape.ffn}, ` +
    `vocabulary ${shape.vocab}, ${shape.positionBuckets} position buckets`;
}

/** What is counted: a backbone, what is adapted in it, and the example it reads. */
export interface Forward {
  readonly shape: EncoderShape;
  /** The adapted projections; none for methods that leave the linear maps as they are. */
  readonly sites: readonly Site[];
  /** Products of the method besides those of the sites; none if not given. */
  readonly costs?: readonly Cost[];
  /** Tokens that the method adds to the example; 0 if not given. */
  readonly virtualTokens?: number;
  /** Tokens of the example, special tokens included and padding not; a mean over examples need not be whole. */
  readonly length: number;
  /** Outputs of the classifier (1 for regression). */
  readonly labels: number;
  /** Examples that share one forward pass, and so its position projections; 1 if not given. */
  readonly batch?: number;
}

/** Tokens that the encoder sees: those of the example and those that the method adds. */
export function tokensOf({ length, virtualTokens = 0 }: Forward): number {
  return length + virtualTokens;
}

/** Which projections count as adapted where a method adapts none: LoRA's default preset, so that scopes can be compared. */
const DEFAULT_MATRICES: readonly Matrix[] = ["query", "key", "value"];

/** The sites by layer and matrix. @throws RangeError for a site outside the shape, a site given twice, an impossible rank or width */
function sitesByPlace(shape: EncoderShape, sites: readonly Site[]): ReadonlyMap<string, Site> {
  const byPlace = new Map<string, Site>();
  for (const site of sites) {
    const place = placeOf(site.layer, site.matrix);
    if (!(Number.isInteger(site.layer) && site.layer >= 0 && site.layer < shape.layers)) {
      throw new RangeError(`Site "${place}" lies outside an encoder of ${shape.layers} layers, counted from 0`);
    }
    if (!MATRICES.includes(site.matrix)) throw new RangeError(`Site "${place}" names no projection of a layer`);
    if (byPlace.has(place)) throw new RangeError(`Site "${place}" is given twice`);
    if (!(site.rank >= 0 && site.rank <= site.maxRank)) {
      throw new RangeError(`Site "${place}" has rank ${site.rank}, expected 0 to ${site.maxRank}`);
    }
    for (const [item, bits] of Object.entries(site.bits)) {
      if (!(bits >= 1 && bits <= 32)) {
        throw new RangeError(`Site "${place}" has ${bits} bits for ${item}, expected 1 to 32`);
      }
    }
    byPlace.set(place, site);
  }
  return byPlace;
}

/** The name of a projection: `layer/matrix`. */
export function placeOf(layer: number, matrix: Matrix): string {
  return `${layer}/${matrix}`;
}

/** The projections that count as adapted, in layer order, with their site where the method has one. */
export function adaptedPlaces(forward: Forward): ReadonlyMap<string, Site | null> {
  const sites = sitesByPlace(forward.shape, forward.sites);
  if (sites.size > 0) return sites;
  const places = new Map<string, null>();
  for (let layer = 0; layer < forward.shape.layers; layer++) {
    for (const matrix of DEFAULT_MATRICES) places.set(placeOf(layer, matrix), null);
  }
  return places;
}
