/** Tables and figures as one page of HTML that needs no other file. */
import { Buffer } from "node:buffer";
import type { Figure } from "./figure.ts";
import { FIGURE_FORMATS, TABLE_FORMATS } from "./formats.ts";
import { alignOf, headingOf, printCell, printedColumns, type Section, type Table } from "./table.ts";
import { INK, QUIET } from "./theme.ts";

/** A figure that has been drawn. */
export interface Drawn {
  readonly figure: Pick<Figure, "name" | "title" | "caption">;
  readonly svg: string;
}

export interface Report {
  readonly title: string;
  /** Paragraphs above everything else. */
  readonly lead: readonly string[];
  readonly tables: readonly Table[];
  readonly figures: readonly Drawn[];
}

/** The page, with a list of contents. Same report, same bytes. */
export function renderReport({ title, lead, tables, figures }: Report): string {
  const contents = [
    ...tables.map((table) => link(`table-${table.name}`, table.title)),
    ...figures.map(({ figure }) => link(`figure-${figure.name}`, figure.title)),
  ];
  return [
    "<!DOCTYPE html>",
    `<html lang="en">`,
    `<head>`,
    `<meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width">`,
    `<title>${escape(title)}</title>`,
    `<style>\n${STYLE}</style>`,
    `</head>`,
    `<body>`,
    `<h1>${escape(title)}</h1>`,
    ...lead.map((text) => `<p>${escape(text)}</p>`),
    `<nav><ul>`,
    ...contents.map((item) => `<li>${item}</li>`),
    `</ul></nav>`,
    ...tables.map(tableHtml),
    ...figures.map(figureHtml),
    `</body>`,
    `</html>`,
  ].join("\n") + "\n";
}

const link = (id: string, text: string): string => `<a href="#${id}">${escape(text)}</a>`;

/** The table as people read it in Markdown, too: printed columns, titles of sections, notes. */
function tableHtml(table: Table): string {
  const columns = printedColumns(table), aligned = columns.map((column) => ` class="${alignOf(column, table)}"`);
  const headings = columns.map((column, i) => `<th scope="col"${aligned[i]}>${escape(headingOf(column))}</th>`);
  const section = ({ title, rows }: Section) => [
    `<tbody>`,
    ...(title === undefined ? [] : [`<tr><th scope="rowgroup" colspan="${columns.length}">${escape(title)}</th></tr>`]),
    ...rows.map((row) => {
      const cells = columns.map((column, i) => `<td${aligned[i]}>${escape(printCell(row[column.key], column))}</td>`);
      return `<tr>${cells.join("")}</tr>`;
    }),
    `</tbody>`,
  ];
  const notes = table.notes.map((note) => `<li>${escape(note)}</li>`);
  return [
    `<section id="table-${table.name}">`,
    `<h2>${escape(table.title)}</h2>`,
    `<p>${escape(table.caption)}</p>`,
    `<div><table>`,
    `<thead><tr>${headings.join("")}</tr></thead>`,
    ...table.sections.flatMap(section),
    `</table></div>`,
    ...(notes.length > 0 ? [`<ul>`, ...notes, `</ul>`] : []),
    filesHtml(`tables/${table.name}`, TABLE_FORMATS),
    `</section>`,
  ].join("\n");
}

/** Drawings are images of their own: their ids must not meet. */
function figureHtml({ figure: { name, title, caption }, svg }: Drawn): string {
  const source = `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
  return [
    `<section id="figure-${name}">`,
    `<h2>${escape(title)}</h2>`,
    `<figure><img alt="${escape(title)}" src="${source}">`,
    `<figcaption>${escape(caption)}</figcaption></figure>`,
    filesHtml(`figures/${name}`, FIGURE_FORMATS),
    `</section>`,
  ].join("\n");
}

/** Where the same lies in other formats. */
function filesHtml(stem: string, formats: readonly string[]): string {
  return `<p class="files">${formats.map((format) => escape(`${stem}.${format}`)).join(" · ")}</p>`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}

const STYLE = `body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; background: #fff; color: ${INK};
  font: 16px/1.5 system-ui, sans-serif; }
section { margin-top: 3rem; }
div { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem; vertical-align: top; }
thead th { border-bottom: 2px solid ${INK}; }
tbody tr { border-bottom: 1px solid #ddd; }
.left, th[scope="rowgroup"] { text-align: left; }
.right { text-align: right; white-space: nowrap; }
figure { margin: 1rem 0; }
img { max-width: 100%; }
.files, figcaption { color: ${QUIET}; font-size: 0.875rem; }
`;
