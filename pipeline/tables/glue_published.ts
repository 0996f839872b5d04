/** Published scores below ours, and by how much ours differ. */
import { rawOf, type Row, type Section } from "../../src/render/table.ts";
import { sourcesOf } from "../analysis/runs.ts";
import { type Sized, sizedTitle } from "../analysis/sizes.ts";
import { overAll } from "../analysis/statistics.ts";
import {
  PUBLISHED,
  PUBLISHED_SOURCE,
  publishedMetrics,
  type PublishedRow,
  publishedRow,
  publishedScore,
} from "../published.ts";
import type { Results } from "../results.ts";

/** Two sections, or none where the profile's backbone makes a comparison meaningless. `ours` are the rows above. */
export function publishedSections(
  results: Results,
  tasks: readonly string[],
  ours: readonly (Sized & { readonly row: Row })[],
): Section[] {
  if (!results.comparePublished) return [];
  const compared = ours.flatMap((own) => {
    const published = publishedRow(own.method, own.size);
    return published ? [{ ...own, row: difference(results, published, own.row, tasks) }] : [];
  });
  return [
    {
      title: "Published, DeBERTaV3-base",
      rows: PUBLISHED.map((row) => asRow(results, row, tasks)),
      sources: () => [PUBLISHED_SOURCE],
    },
    ...(compared.length
      ? [{
        title: `Ours, ${results.backbone}, minus published, same method and rank or width`,
        rows: compared.map(({ row }) => row),
        sources: (row: number, column: string) => [
          ...sourcesOf(compared[row]!.results, compared[row]!.method, column),
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
    `Published: ${PUBLISHED_SOURCE}. LoRA and AdaLoRA there adapt all six matrices, ours query, key and value [choice]: at one ` +
    "rank theirs have more parameters. Averages are recomputed by our rule; those printed there take the mean of accuracy and " +
    "F1 for QQP, and stand in the csv and json files, as do both numbers of MNLI and QQP.",
  ];
}

function asRow(results: Results, row: PublishedRow, tasks: readonly string[]): Row {
  const scores = tasks.map((task) => publishedScore(row, task));
  return {
    method: sizedTitle(results, row.method, row.size),
    ...Object.fromEntries(tasks.map((task, i) => [task, scores[i] ?? null])),
    ...publishedMetrics(row, tasks),
    average: overAll(scores),
    "average.published": Math.round(row.average * 100) / 10000,
    parameters: Math.round(row.millions * 1e6),
  };
}

function difference(results: Results, row: PublishedRow, own: Row, tasks: readonly string[]): Row {
  const gap = (key: string, published: number | null) => {
    const score = rawOf(own[key]);
    return typeof score === "number" && published !== null ? score - published : null;
  };
  const gaps = tasks.map((task) => gap(task, publishedScore(row, task)));
  return {
    method: sizedTitle(results, row.method, row.size),
    ...Object.fromEntries(tasks.map((task, i) => [task, gaps[i] ?? null])),
    ...Object.fromEntries(Object.entries(publishedMetrics(row, tasks)).map(([key, score]) => [key, gap(key, score)])),
    average: overAll(gaps),
  };
}
