/** The files that a table and a figure come as, by extension. */
export const TABLE_FORMATS = ["md", "csv", "tex", "json"] as const;
export const FIGURE_FORMATS = ["vl.json", "svg", "png", "csv"] as const;
