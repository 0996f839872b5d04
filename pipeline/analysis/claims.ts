/** The paper's qualitative claims, each as paired differences that are positive where it holds. */
import { bopsOf } from "./bops.ts";
import { isUsable, runsOf, stepsOf, tasksOf } from "./runs.ts";
import { type SignedRank, signedRank } from "./signed_rank.ts";
import { bitWidths, itemsOf } from "./sites.ts";
import { mean, standardDeviation } from "./statistics.ts";
import type { Matrix, Site } from "../../src/training/record.ts";
import type { Results, Run } from "../results.ts";

/** Percent of bit operations that count as "about 70 %" at least. */
export const ENOUGH_SAVED = 60;

/** Below it a difference is taken as shown. */
export const LEVEL = 0.05;

export type Verdict = "holds" | "does not hold" | "cannot be told";

export interface Claim {
  readonly key: string;
  readonly text: string;
  /** What the differences are, with their unit. */
  readonly difference: string;
  /** Mean of the quantity that the claim is about, and of the differences; null without pairs. */
  readonly measured: number | null;
  readonly mean: number | null;
  readonly test: SignedRank;
  readonly verdict: Verdict;
  /** Names of steps. */
  readonly sources: readonly string[];
}

interface Pair {
  readonly runs: readonly Run[];
  readonly measured: number;
  readonly difference: number;
}

/** Checks every claim on the runs of `blora` and `lora`. */
export function claimsOf(results: Results): Claim[] {
  const ours = runsOf(results, "blora").filter(isUsable),
    ranked = (read: (sites: readonly Site[]) => number | null) =>
      ours.flatMap((run): Pair[] => {
        const difference = read(run.sites);
        return difference === null ? [] : [{ runs: [run], measured: difference, difference }];
      });
  const claim = (key: string, text: string, difference: string, pairs: readonly Pair[]) =>
    judge(key, text, difference, pairs, [...runsOf(results, "blora"), ...runsOf(results, "lora")]);
  return [
    claim("1", "about 70 % fewer bit operations than LoRA", `% saved − ${ENOUGH_SAVED}`, saved(results, ours)),
    claim(
      "2",
      "scores within one standard deviation of LoRA's, or better",
      "score × 100 − LoRA's, + its sd",
      scored(results, ours),
    ),
    claim("3", "later layers get larger ranks", "mean rank, later − earlier half of layers", ranked(laterRanks)),
    claim("4 rank", "Wv gets a larger rank than Wq and Wk", "rank of Wv − larger of Wq, Wk", ranked(aheadIn(rankOf))),
    claim("4 bits", "Wv is kept at more bits than Wq and Wk", "bits of Wv − larger of Wq, Wk", ranked(aheadIn(bitsOf))),
  ];
}

function judge(key: string, text: string, difference: string, pairs: readonly Pair[], all: readonly Run[]): Claim {
  const differences = pairs.map((pair) => pair.difference), test = signedRank(differences);
  // Where no pair could be made, that is what all the runs say.
  const sources = stepsOf([...new Set(pairs.length > 0 ? pairs.flatMap(({ runs }) => runs) : all)]);
  const verdict = test.pPositive < LEVEL ? "holds" : test.pNegative < LEVEL ? "does not hold" : "cannot be told";
  return {
    key,
    text,
    difference,
    measured: mean(pairs.map((p) => p.measured)),
    mean: mean(differences),
    test,
    verdict,
    sources,
  };
}

/** A claim of several parts holds if all of them do, and does not if any does not. */
export function together(parts: readonly Claim[]): Verdict {
  if (parts.some(({ verdict }) => verdict === "does not hold")) return "does not hold";
  return parts.every(({ verdict }) => verdict === "holds") ? "holds" : "cannot be told";
}

function saved(results: Results, ours: readonly Run[]): Pair[] {
  return ours.map((run) => {
    const measured = 100 - bopsOf(results, run).percent["adapted-layers"];
    return { runs: [run], measured, difference: measured - ENOUGH_SAVED };
  });
}

/** Pairs of one task and seed. A standard deviation needs two seeds. */
function scored(results: Results, ours: readonly Run[]): Pair[] {
  return tasksOf(results).flatMap((task) => {
    const others = runsOf(results, "lora", task).filter((run) => isUsable(run) && run.best);
    const sd = standardDeviation(others.map((run) => run.best!.score));
    return ours.filter((run) => run.task === task).flatMap((run): Pair[] => {
      const other = others.find(({ seed }) => seed === run.seed);
      if (!other || !run.best || sd === null) return [];
      const measured = 100 * (run.best.score - other.best!.score);
      return [{ runs: [run, ...others], measured, difference: measured + 100 * sd }];
    });
  });
}

/** Mean rank in the later half of the layers less that in the earlier; an odd one in the middle belongs to neither. */
function laterRanks(sites: readonly Site[]): number | null {
  const layers = 1 + Math.max(-1, ...sites.map(({ layer }) => layer)), half = layers >> 1;
  const early = mean(sites.filter(({ layer }) => layer < half).map(({ rank }) => rank));
  const late = mean(sites.filter(({ layer }) => layer >= layers - half).map(({ rank }) => rank));
  return early === null || late === null ? null : late - early;
}

const rankOf = (sites: readonly Site[]) => mean(sites.map(({ rank }) => rank));
const bitsOf = (sites: readonly Site[]) => mean(bitWidths(sites, itemsOf(sites)));

/** How far the value projections are ahead of the query and key projections. */
function aheadIn(read: (sites: readonly Site[]) => number | null): (sites: readonly Site[]) => number | null {
  return (sites) => {
    const of = (matrix: Matrix) => read(sites.filter((site) => site.matrix === matrix));
    const [query, key, value] = [of("query"), of("key"), of("value")];
    return query === null || key === null || value === null ? null : value - Math.max(query, key);
  };
}
