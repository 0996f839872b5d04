/** Comma-separated files of raw values. */
import { stringify } from "csv-stringify/sync";
import { rawOf, type Table } from "./table.ts";

/** RFC 4180 with line feeds: a header, then the records; numbers in full precision, nothing where there is no value. */
export function csv(keys: readonly string[], records: readonly Readonly<Record<string, unknown>>[]): string {
  return stringify(records.map((record) => keys.map((key) => record[key] ?? "")), {
    header: true,
    columns: keys.map((key) => ({ key })),
    cast: { boolean: (value) => String(value), number: (value) => String(value) },
  });
}

/** All columns of a table, printed or not; a column `section` first where rows are grouped. */
export function tableCsv(table: Table): string {
  const keys = table.columns.map((column) => column.key);
  const grouped = table.sections.some((section) => section.title !== undefined);
  const records = table.sections.flatMap((section) =>
    section.rows.map((row) => ({
      ...(grouped ? { section: section.title ?? "" } : {}),
      ...Object.fromEntries(keys.map((key) => [key, rawOf(row[key])])),
    }))
  );
  return csv(grouped ? ["section", ...keys] : keys, records);
}
