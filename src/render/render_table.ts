/** The files of a table. */
import type { TABLE_FORMATS } from "./formats.ts";
import { tableCsv } from "./csv.ts";
import { canonicalJson } from "./json.ts";
import { tableLatex } from "./latex.ts";
import { tableMarkdown } from "./markdown.ts";
import { rawOf, type Table } from "./table.ts";

/** File extension -> text, e.g. `glue.md`. Same table, same bytes. */
export function renderTable(table: Table): Record<typeof TABLE_FORMATS[number], string> {
  checkKeys(table);
  return { md: tableMarkdown(table), csv: tableCsv(table), tex: tableLatex(table), json: tableJson(table) };
}

/** Everything that the table says, raw, with marks beside the values they belong to. */
function tableJson(table: Table): string {
  const { name, title, caption, notes, columns, sections } = table;
  return canonicalJson({
    name,
    title,
    caption,
    notes,
    columns: columns.map(({ key, title, unit }) => ({ key, title, unit: unit ?? null })),
    sections: sections.map((section) => ({
      title: section.title ?? null,
      rows: section.rows.map((row) =>
        Object.fromEntries(columns.map(({ key }) => {
          const cell = row[key];
          return [key, typeof cell === "object" && cell !== null ? cell : rawOf(cell)];
        }))
      ),
    })),
  });
}

/** A value without its column would vanish from every file. */
function checkKeys(table: Table): void {
  const known = new Set(table.columns.map((column) => column.key));
  if (known.size < table.columns.length) throw new RangeError(`Table "${table.name}" has two columns of one key`);
  for (const row of table.sections.flatMap((section) => section.rows)) {
    const lost = Object.keys(row).find((key) => !known.has(key));
    if (lost) throw new RangeError(`Table "${table.name}" has a value "${lost}" but no such column`);
  }
}
