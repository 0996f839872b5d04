/** Every table by the name that people type. */
import { unknownName } from "../../src/errors.ts";
import type { Table } from "../../src/render/table.ts";
import type { Profile } from "../profiles/profile.ts";
import type { Results } from "../results.ts";
import { ablation } from "./ablation.ts";
import { baselines } from "./baselines.ts";
import { bops } from "./bops.ts";
import { claims } from "./claims.ts";
import { datasets } from "./datasets.ts";
import { extended } from "./extended.ts";
import { glue } from "./glue.ts";
import { hyperparameters } from "./hyperparameters.ts";
import { rankSweep } from "./rank_sweep.ts";
import { resources } from "./resources.ts";
import { subspace } from "./subspace.ts";

interface Entry {
  make(results: Results): Table;
  /** The steps whose records it is made of, by the first segments of their names: it may look at no others. */
  readonly reads: readonly string[];
  /** Whether a profile has the runs for it; every profile if not given. */
  has?(profile: Profile): boolean;
}

const runs = (...wanted: string[]) => ({ methods }: Profile) => wanted.every((method) => method in methods);

const variants = ["lora", "blora-q", "blora-ra", "blora"].map((method) => `finetune/${method}`);

const TABLES: Readonly<Record<string, Entry>> = {
  glue: { make: glue, reads: ["tokenize", "finetune", "sizes"] },
  bops: { make: bops, reads: ["tokenize", "finetune"] },
  ablation: { make: ablation, reads: ["tokenize", ...variants], has: runs("blora") },
  datasets: { make: datasets, reads: ["tokenize"] },
  hyperparameters: { make: hyperparameters, reads: ["tokenize", "finetune/blora"], has: runs("blora") },
  baselines: { make: baselines, reads: ["tokenize", "finetune", "sizes"] },
  claims: { make: claims, reads: ["tokenize", "finetune/lora", "finetune/blora"], has: runs("blora", "lora") },
  resources: { make: resources, reads: ["resources"] },
  subspace: { make: subspace, reads: ["subspace"], has: runs("lora") },
  extended: {
    make: extended,
    reads: ["tokenize", "extended", "finetune/lora", "finetune/blora"],
    has: (profile) => profile.extended !== undefined,
  },
  "rank-sweep": {
    make: rankSweep,
    reads: ["tokenize", "rank-sweep"],
    has: (profile) => profile.rankSweep !== undefined,
  },
};

export const TABLE_NAMES: readonly string[] = Object.keys(TABLES);

/** The tables that a profile has runs for. */
export function tablesOf(profile: Profile): string[] {
  return TABLE_NAMES.filter((name) => TABLES[name]!.has?.(profile) ?? true);
}

/** A table's entry. @throws UsageError for a name that is none, with the names there are */
export function tableNamed(name: string): Entry {
  const table = Object.hasOwn(TABLES, name) ? TABLES[name] : undefined;
  if (!table) throw unknownName("table", name, TABLE_NAMES);
  return table;
}
