/** Tables as GitHub-flavoured Markdown. */
import { markdownTable } from "markdown-table";
import { alignOf, headingOf, printCell, printedColumns, type Table } from "./table.ts";

/** Title, caption, the table, and its notes as a list. */
export function tableMarkdown(table: Table): string {
  const columns = printedColumns(table);
  const lines = [columns.map((column) => escape(headingOf(column)))];
  for (const section of table.sections) {
    if (section.title !== undefined) lines.push([`**${escape(section.title)}**`, ...columns.slice(1).map(() => "")]);
    for (const row of section.rows) lines.push(columns.map((column) => escape(printCell(row[column.key], column))));
  }
  const grid = markdownTable(lines, { align: columns.map((column) => alignOf(column, table)) });
  const notes = table.notes.map((note) => `- ${escape(note)}`).join("\n");
  return [`# ${escape(table.title)}`, escape(table.caption), grid, ...(notes ? [notes] : [])].join("\n\n") + "\n";
}

/** Keeps text from being read as markup. */
function escape(text: string): string {
  return text.replace(/[\\|*_`<>[\]]/g, "\\$&").replace(/\s*\n\s*/g, " ");
}
