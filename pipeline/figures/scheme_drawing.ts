/** Where the parts of the scheme stand: rectangles and texts in pixels, y downwards. */
import { type EncoderShape, widths } from "../../src/bops/shape.ts";
import type { Datum } from "../../src/render/figure.ts";
import type { Quantized, Site } from "../../src/training/record.ts";
import { ITEM_LABELS } from "../analysis/sites.ts";

export const SCHEME_WIDTH = 560;
export const SCHEME_HEIGHT = 306;

const SIDE = 140; // the longer side of W0
const RANKS = 76; // all ranks together
const BOX = 18; // a box of a ladder
const GAP = 26; // between B, E and A
const MIDDLE = 120;
const LEVELS = [2, 4, 8, 16, 32];

interface Drawing {
  readonly data: Datum[];
  /** How many times too large the rank is drawn. */
  readonly exaggeration: number;
}

/** Draws one adapted matrix: the equation above, bit-width ladders of its weights and of its activations below. */
export function drawScheme(shape: EncoderShape, site: Site): Drawing {
  const [input, output] = widths(shape, site.matrix), scale = SIDE / Math.max(input, output);
  const wide = input * scale, high = output * scale, step = RANKS / site.maxRank;
  const bits = (item: Quantized) => site.bits[item] ?? 32;
  const x = { W0: 10, B: 10 + wide + 52, E: 0, A: 0 };
  x.E = x.B + RANKS + GAP;
  x.A = x.E + RANKS + GAP;
  const data: Datum[] = [];
  const box = (live: boolean, width: number, x: number, y: number, x2: number, y2: number) =>
    data.push({ kind: live ? "lit" : "unlit", bits: width, x, y, x2, y2, text: null });
  const write = (kind: string, x: number, y: number, text: string, bits: number | null = null) =>
    data.push({ kind, bits, x, y, x2: null, y2: null, text });

  box(true, bits("W0"), x.W0, MIDDLE - high / 2, x.W0 + wide, MIDDLE + high / 2);
  for (let rank = 0; rank < site.maxRank; rank++) {
    const live = rank < site.rank, from = rank * step, to = from + step, top = MIDDLE - RANKS / 2;
    box(live, bits("B"), x.B + from, MIDDLE - high / 2, x.B + to, MIDDLE + high / 2);
    box(live, bits("E"), x.E + from, top + from, x.E + to, top + to);
    box(live, bits("A"), x.A, top + from, x.A + wide, top + to);
  }
  write("sign", (x.W0 + wide + x.B) / 2, MIDDLE, "+");
  for (const left of [x.E, x.A]) write("sign", left - GAP / 2, MIDDLE, "·");

  const named = (item: Quantized, centre: number, size: string) => {
    write("name", centre, 14, item);
    write("size", centre, 33, size);
    ladder(write, box, centre, MIDDLE + SIDE / 2 + 14, bits(item));
  };
  named("W0", x.W0 + wide / 2, `${output} × ${input}`);
  named("B", x.B + RANKS / 2, `${output} × ${site.rank}`);
  named("E", x.E + RANKS / 2, `${site.rank} of ${site.maxRank} live`);
  named("A", x.A + wide / 2, `${site.rank} × ${input}`);

  write("heading", 10, 248, "Bits of the activations, each named by what puts it out");
  const activations = ["A-out", "E-out", "AB-out", "W0-out", "out"] as const;
  activations.forEach((item, i) => {
    const centre = 10 + 2.5 * BOX + i * (5 * BOX + 20);
    write("size", centre, 272, ITEM_LABELS[item]);
    ladder(write, box, centre, 284, bits(item));
  });
  return { data, exaggeration: step / scale };
}

/** Five boxes, filled as far as the gates let bits through. */
function ladder(
  write: (kind: string, x: number, y: number, text: string, bits: number | null) => void,
  box: (live: boolean, bits: number, x: number, y: number, x2: number, y2: number) => void,
  centre: number,
  top: number,
  bits: number,
): void {
  LEVELS.forEach((level, i) => {
    const x = centre + (i - LEVELS.length / 2) * BOX, live = level <= bits;
    box(live, bits, x, top, x + BOX, top + BOX);
    write(live ? "on" : "off", x + BOX / 2, top + BOX / 2, String(level), bits);
  });
}
