/** Published scores below ours, and by how much ours differ. */
import { rawOf, type Row, type Section } from "../../src/render/table.ts";
import { methodTitle } from "../analysis/names.ts";
import { methodsOf, runsOf, sourcesOf } from "../analysis/runs.ts";
import { overAll } from "../analysis/statistics.ts";
import { PUBLISHED, PUBLISHED_SOURCE, type PublishedRow, publishedRow, publishedScore } from "../published.ts";
import type { Results } from "../results.ts";

/** Two sections, or none where the profile's backbone makes a comparison meaningless. `ours` are the rows above. */
export function publishedSections(results: Results, tasks: readonly string[], ours: readonly Row[]): Section[] {
  if (!results.comparePublished) return [];
  const compared = methodsOf(results).flatMap((method, i) => {
    const published = publishedRow(method, sizeOf(results, method)), own = ours[i];
    return published && own ? [{ method, row: difference(results, published, own, tasks) }] : [];
  });
  return [
    {
      title: "Published, DeBERTaV3-base",
      rows: PUBLISHED.map((row) => asRow(results, row, tasks)),
      sources: () => [PUBLISHED_SOURCE],
    },
    ...(compared.length
      ? [{
        title: `Ours, ${results.backbone}, minus published, same method and size`,
        rows: compared.map(({ row }) => row),
        sources: (row: number, column: string) => [
          ...sourcesOf(results, compared[row]!.method, column),
          PUBLISHED_SOURCE,
        ],
      }]
      : []),
  ];
}

/** Where the published rows come from, and how far they can be compared. */
export function publishedNotes(results: Results): string[] {
  if (!results.comparePublished) return [];
  return [
    `Published: ${PUBLISHED_SOURCE}. LoRA there adapts all six matrices. Averages are recomputed by our rule; those printed ` +
    "there take the mean of accuracy and F1 for QQP, and stand in the csv and json files.",
  ];
}

/** The size option of a method as run: an adapter's width, the rank that AdaLoRA ends with, LoRA's rank. */
function sizeOf(results: Results, method: string): number | null {
  const run = runsOf(results, method)[0];
  for (const option of ["bottleneck", "targetRank", "rank"]) {
    const size = run?.options[option];
    if (typeof size === "number") return size;
  }
  return null;
}

function asRow(results: Results, row: PublishedRow, tasks: readonly string[]): Row {
  const scores = tasks.map((task) => publishedScore(row, task));
  return {
    method: nameOf(results, row),
    ...Object.fromEntries(tasks.map((task, i) => [task, scores[i] ?? null])),
    average: overAll(scores),
    "average.published": Math.round(row.average * 100) / 10000,
    parameters: Math.round(row.millions * 1e6),
  };
}

function difference(results: Results, row: PublishedRow, own: Row, tasks: readonly string[]): Row {
  const gaps = tasks.map((task) => {
    const score = rawOf(own[task]), published = publishedScore(row, task);
    return typeof score === "number" && published !== null ? score - published : null;
  });
  return {
    method: nameOf(results, row),
    ...Object.fromEntries(tasks.map((task, i) => [task, gaps[i] ?? null])),
    average: overAll(gaps),
  };
}

function nameOf(results: Results, row: PublishedRow): string {
  if (row.size === null) return methodTitle(results, row.method);
  return `${methodTitle(results, row.method)} ${row.method.endsWith("lora") ? "r" : "d"} = ${row.size}`;
}
