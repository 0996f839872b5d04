/**
 * A fixture: a folder in which an independent library wrote down what it computed, and from what.
 *
 * `fixture.json` names the files by role and lists `expected_keys`, every one of which has to be checked:
 *
 * | key                          | where the expected value lies                                        |
 * |------------------------------|----------------------------------------------------------------------|
 * | `expected.NAME`, `grad.NAME` | the tensor of that name, in any of the safetensors files             |
 * | `scalars.NAME`               | `scalars[NAME]`: a number, or a tree of numbers, strings, booleans   |
 * | `cases[ID]`                  | the entry of `cases` with that `id`; what of it is expected depends on the kind |
 * | `FILE[].FIELD`               | that field of every line of a JSON-lines file, e.g. `glue[].input_ids` |
 *
 * Weights and inputs (`input.NAME`, parameters under their Hugging Face names) are not expected keys.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readSafetensors } from "../deberta/safetensors.ts";
import { InputError } from "../errors.ts";
import type { HostTensor, HostTensors } from "../tensor/host_tensor.ts";

/** How far a result may be from what is expected: see `compare.ts`. */
export type Tolerance = "exact" | { readonly rule?: string | undefined; readonly abs: number; readonly rel: number };

const Bound = z.object({
  rule: z.string().startsWith("max-norm").optional(),
  abs: z.number().min(0),
  rel: z.number().min(0),
});
const Schema = z.object({
  kind: z.string(),
  config: z.unknown(),
  tolerance: z.object({ abs: z.number().min(0), rel: z.number().min(0) }),
  tolerance_by_group: z.record(z.string(), z.union([z.literal("exact"), Bound])).default({}),
  files: z.record(z.string(), z.string()),
  sha256: z.record(z.string(), z.string()),
  expected_keys: z.array(z.string()).min(1),
  scalars: z.record(z.string(), z.unknown()).default({}),
  cases: z.array(z.looseObject({ id: z.string() })).default([]),
});

/** One entry of `cases`. */
export type Case = z.infer<typeof Schema>["cases"][number];

export interface Fixture {
  readonly folder: string;
  readonly kind: string;
  /** What the kind needs to know, to be validated by its checker. */
  readonly config: unknown;
  readonly tolerance: Tolerance;
  /** Exceptions from `tolerance`: comma-separated names or patterns, and what holds for them. */
  readonly toleranceByGroup: Readonly<Record<string, Tolerance>>;
  readonly expectedKeys: readonly string[];
  readonly scalars: Readonly<Record<string, unknown>>;
  readonly cases: readonly Case[];
  /** The tensors of every safetensors file by its role (`weights`, `inputs`, `expected`, `grads` ...). */
  readonly tensors: Readonly<Record<string, HostTensors>>;
  /** The text of every other file by its role. */
  readonly texts: Readonly<Record<string, string>>;
}

/**
 * Loads a fixture folder, and all its files.
 *
 * @throws InputError if there is none, a file is missing or changed, or `fixture.json` says something else than expected
 */
export async function loadFixture(folder: string): Promise<Fixture> {
  folder = folder.replace(/(?<=.)[/\\]+$/, "");
  const path = join(folder, "fixture.json"), bytes = await read(path, folder);
  const parsed = Schema.safeParse(parseJson(bytes));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? "" : ` at "${issue.path.join(".")}"`;
    throw new InputError(`Cannot use "${path}" as a fixture${where}: ${(issue?.message ?? "").toLowerCase()}`);
  }
  const { kind, config, tolerance: { abs, rel }, files, sha256, scalars, cases, ...rest } = parsed.data;
  const tensors: Record<string, HostTensors> = {}, texts: Record<string, string> = {};
  for (const [role, file] of Object.entries(files)) {
    const path = join(folder, file), bytes = await read(path, folder);
    const digest = createHash("sha256").update(bytes).digest("hex");
    if (digest !== sha256[file]) {
      throw new InputError(`Cannot trust "${path}": its sha256 is "${digest}", expected "${sha256[file]}"`);
    }
    if (file.endsWith(".safetensors")) tensors[role] = readSafetensors(bytes, path).tensors;
    else texts[role] = new TextDecoder().decode(bytes);
  }
  const { tolerance_by_group: toleranceByGroup, expected_keys: expectedKeys } = rest;
  return {
    folder,
    kind,
    config,
    tolerance: { abs, rel },
    toleranceByGroup,
    expectedKeys,
    scalars,
    cases,
    tensors,
    texts,
  };
}

/** The fixture's configuration as its kind has it. @throws InputError if it is something else */
export function configOf<T extends z.ZodType>({ folder, config }: Fixture, schema: T): z.infer<T> {
  const parsed = schema.safeParse(config);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join(".");
  throw new InputError(`Cannot check "${folder}": its config is not one of its kind, at "${where}"`);
}

/** The tensors of a role. @throws InputError if the fixture has no such file */
export function tensorsOf(fixture: Fixture, role: string): HostTensors {
  const tensors = fixture.tensors[role];
  if (tensors !== undefined) return tensors;
  throw new InputError(`Cannot check "${fixture.folder}": it has no safetensors file for "${role}"`);
}

/** The tensor an expected key names. @throws InputError if no file has it */
export function expectedTensor(fixture: Fixture, key: string): HostTensor {
  for (const tensors of Object.values(fixture.tensors)) {
    if (Object.hasOwn(tensors, key)) return tensors[key]!;
  }
  throw new InputError(`Cannot check "${fixture.folder}": none of its files has the tensor "${key}"`);
}

async function read(path: string, folder: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await readFile(path));
  } catch {
    throw new InputError(
      `Cannot read "${path}": expected "${folder}" to be a fixture folder (deno task parity DIR...)`,
    );
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
