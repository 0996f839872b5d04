/** Every table by the name that people type. */
import { unknownName } from "../../src/errors.ts";
import type { Table } from "../../src/render/table.ts";
import type { Results } from "../results.ts";
import { ablation } from "./ablation.ts";
import { bops } from "./bops.ts";
import { datasets } from "./datasets.ts";
import { glue } from "./glue.ts";
import { hyperparameters } from "./hyperparameters.ts";

const TABLES: Readonly<Record<string, (results: Results) => Table>> = {
  glue,
  bops,
  ablation,
  datasets,
  hyperparameters,
};

export const TABLE_NAMES: readonly string[] = Object.keys(TABLES);

/** The function that makes a table. @throws UsageError for a name that is none, with the names there are */
export function tableNamed(name: string): (results: Results) => Table {
  const table = Object.hasOwn(TABLES, name) ? TABLES[name] : undefined;
  if (!table) throw unknownName("table", name, TABLE_NAMES);
  return table;
}
