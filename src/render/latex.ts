/** Tables as LaTeX for the booktabs package. */
import { alignOf, type Column, headingOf, printCell, printedColumns, type Row, type Table } from "./table.ts";

/** A `table*` environment: caption above, rules by booktabs, notes below. Needs `\usepackage{booktabs}`. */
export function tableLatex(table: Table): string {
  const columns = printedColumns(table);
  const spec = columns.map((column) => alignOf(column, table) === "right" ? "r" : "l").join("");
  const body = table.sections.flatMap((section, i) => [
    ...(i > 0 ? [String.raw`\midrule`] : []),
    ...(section.title !== undefined ? [`${multicolumn(columns.length, section.title)} \\\\`] : []),
    ...section.rows.map((row) => line(columns, row)),
  ]);
  return [
    String.raw`\begin{table*}[t]`,
    String.raw`\centering\small`,
    `\\caption{\\textbf{${escape(table.title)}.} ${escape(table.caption)}}`,
    `\\label{tab:${table.name}}`,
    `\\begin{tabular}{@{}${spec}@{}}`,
    String.raw`\toprule`,
    `${columns.map((column) => escape(headingOf(column))).join(" & ")} \\\\`,
    String.raw`\midrule`,
    ...body,
    String.raw`\bottomrule`,
    String.raw`\end{tabular}`,
    ...table.notes.map((note) => `\\par\\smallskip\\footnotesize ${escape(note)}`),
    String.raw`\end{table*}`,
    "",
  ].join("\n");
}

function line(columns: readonly Column[], row: Row): string {
  return `${columns.map((column) => escape(printCell(row[column.key], column))).join(" & ")} \\\\`;
}

function multicolumn(count: number, title: string): string {
  return `\\multicolumn{${count}}{@{}l}{\\textit{${escape(title)}}}`;
}

const SPECIAL: Readonly<Record<string, string>> = {
  "\\": String.raw`\textbackslash{}`,
  "~": String.raw`\textasciitilde{}`,
  "^": String.raw`\textasciicircum{}`,
  "<": String.raw`\textless{}`,
  ">": String.raw`\textgreater{}`,
  "[": "{[}", // at the start of a line it would be read as the option of the line break before
  "]": "{]}",
  "|": String.raw`\textbar{}`,
  "†": String.raw`\textsuperscript{\textdagger}`,
  "‡": String.raw`\textsuperscript{\textdaggerdbl}`,
  "×": String.raw`$\times$`,
  "±": String.raw`$\pm$`,
  "−": "$-$",
  "–": "--",
  "—": "---",
  "λ": String.raw`$\lambda$`,
  "·": String.raw`$\cdot$`,
};

/** Text that LaTeX sets as it stands. */
export function escape(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").replace(
    /[\\~^<>|[\]†‡×±−–—λ·&%$#_{}]/g,
    (char) => SPECIAL[char] ?? `\\${char}`,
  );
}
