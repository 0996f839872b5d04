/** `deno task bench --scaling`: how a LoRA step's time grows with each dimension, beside how its arithmetic grows. */
import { macsOfStep } from "./arithmetic.ts";
import { ours, resultOf } from "./child.ts";
import { type Machine, machine } from "./machine.ts";
import { expectedSeconds, Progress } from "./progress.ts";
import { interleave } from "./interleave.ts";
import type { Shape } from "./shapes.ts";
import { logSlope, median, rounded } from "./statistics.ts";

/** Where the dimensions cross. */
export const BASE = { batch: 8, length: 64, layers: 4, hidden: 128, rank: 8 };

/** The values of each dimension; all others stay at the base point. */
const DIMENSIONS = {
  batch: [4, 8, 16, 32],
  length: [32, 64, 128, 256],
  layers: [2, 4, 8, 16],
  hidden: [64, 128, 256, 512],
  rank: [4, 8, 16, 64],
} as const;
export type Dimension = keyof typeof DIMENSIONS;

export interface Point {
  readonly dimension: Dimension;
  readonly value: number;
  readonly shape: Shape;
  readonly rank: number;
}

/** Every point, one dimension at a time away from the base point, which is in every dimension. */
export function pointsOf(): Point[] {
  return (Object.keys(DIMENSIONS) as Dimension[]).flatMap((dimension) =>
    DIMENSIONS[dimension].map((value) => {
      const sizes = { ...BASE, [dimension]: value };
      const { batch, length, layers, hidden, rank } = sizes;
      const config = {
        ...{ vocabulary: 600, maxPosition: 512, positionBuckets: 256, layerNormEps: 1e-7 },
        ...{ hiddenDropout: 0.1, attentionDropout: 0.1, hidden, layers, heads: hidden / 64, ffn: 4 * hidden },
      };
      return { dimension, value, rank, shape: { config, batch, length } };
    })
  );
}

/** What is timed at a point: the same for the base point in every dimension. */
const keyOf = ({ shape, rank }: Point): string => JSON.stringify([shape, rank]);

/** The points without repetitions: the base point once. */
export function distinctOf(points: readonly Point[]): Point[] {
  return [...new Map(points.map((point) => [keyOf(point), point])).values()];
}

export interface Measured extends Pick<Point, "dimension" | "value"> {
  readonly ms_per_step: number;
  readonly multiply_accumulates: number;
}

export interface Scaling {
  readonly machine: Machine;
  readonly threads: number;
  /** Times that every point was timed; a point's milliseconds are the median. */
  readonly rounds: number;
  readonly points: readonly Measured[];
  /** Exponents by dimension, of the time and of the multiply-accumulates. */
  readonly slopes: readonly { readonly dimension: string; readonly time: number; readonly arithmetic: number }[];
}

/** Fits y ~ x^slope to each dimension's points. */
export function slopesOf(points: readonly Measured[]): Scaling["slopes"] {
  return [...new Set(points.map(({ dimension }) => dimension))].map((dimension) => {
    const own = points.filter((point) => point.dimension === dimension);
    const slope = (of: (point: Measured) => number) =>
      rounded(logSlope(own.map((point) => ({ x: point.value, y: of(point) }))), 3);
    return {
      dimension,
      time: slope(({ ms_per_step }) => ms_per_step),
      arithmetic: slope(({ multiply_accumulates }) => multiply_accumulates),
    };
  });
}

export async function measureScaling(
  { threads, steps = 20, rounds = 3 }: {
    readonly threads: number;
    readonly steps?: number;
    readonly rounds?: number;
  },
): Promise<Scaling> {
  const points = pointsOf(), turns = interleave(distinctOf(points), rounds), times: Record<string, number[]> = {};
  const progress = new Progress(
    turns.map(({ side }) => expectedSeconds({ ...side.shape, engine: "native", steps })),
  );
  for (const { side: point, round } of turns) {
    const { dimension, value } = point;
    const what = `${value === BASE[dimension] ? "Base point" : `${dimension} ${value}`}, round ${round} of ${rounds}`;
    const command = ours("./scaling_row.ts", { ...point, threads, steps });
    (times[keyOf(point)] ??= []).push(await progress.during(what, () => resultOf<number>(what, command)));
  }
  const measured = points.map((point): Measured => ({
    dimension: point.dimension,
    value: point.value,
    ms_per_step: rounded(median(times[keyOf(point)]!), 2),
    multiply_accumulates: macsOfStep("lora", point.shape, false, { rank: point.rank }),
  }));
  return { machine: machine(), threads, rounds, points: measured, slopes: slopesOf(measured) };
}
