/** `tokenizer`: texts with the pieces and ids that SentencePiece gives them under DeBERTaV3's `spm.model`. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { InputError } from "../../errors.ts";
import { findSource, pathOf, readSources } from "../../fetch/sources.ts";
import { sentencePieceTokenizer } from "../../tokenizer/sentencepiece.ts";
import { encodePair, type Tokenizer } from "../../tokenizer/tokenizer.ts";
import type { Checker, ParityContext } from "../checker.ts";
import { configOf, type Fixture } from "../fixture.ts";

const Config = z.object({
  spm_model: z.object({ sha256: z.string() }),
  special_ids: z.record(z.string(), z.int()),
});
const Plain = z.object({ text: z.string() });
const Pair = z.object({ a: z.string(), b: z.string().nullable() });

/** Where the model may lie: among the downloads, and in a mirror that was handed over beside the fixtures. */
function placesOf({ folder }: Fixture): string[] {
  const path = pathOf(findSource(readSources(), "deberta-v3-base/spm.model"));
  return [
    fileURLToPath(new URL(`../../../data/downloads/${path}`, import.meta.url)),
    join(folder, "../../mirror", path),
  ];
}

export const check: Checker = async (fixture, report, context) => {
  const { spm_model: { sha256 }, special_ids } = configOf(fixture, Config);
  const model = await findModel(fixture, context);
  if (model === undefined) {
    return report.skip("there is no spm.model: type deno task fetch --profile glue-mini, or name it with --spm FILE");
  }
  const digest = createHash("sha256").update(model.bytes).digest("hex");
  if (digest !== sha256) {
    throw new InputError(`Cannot compare with "${model.path}": its sha256 is "${digest}", expected "${sha256}"`);
  }
  const tokenizer = await sentencePieceTokenizer(model.bytes, model.path);
  const { pad, cls, sep, unk, mask } = tokenizer.special;
  const ours: Record<string, number> = { "[PAD]": pad, "[CLS]": cls, "[SEP]": sep, "[UNK]": unk, "[MASK]": mask };
  if (Object.entries(special_ids).some(([name, id]) => ours[name] !== id)) {
    throw new InputError(`Cannot check "${fixture.folder}": its special tokens are ${JSON.stringify(special_ids)}`);
  }
  const plain = rowsOf(fixture, "adversarial", Plain), pairs = rowsOf(fixture, "glue", Pair);
  const ids = pairs.map(({ a, b }) => encodePair(tokenizer, a, b ?? undefined, Infinity));
  const got: Readonly<Record<string, unknown[]>> = {
    "adversarial[].pieces": plain.map(({ text }) => tokenizer.pieces(text)),
    "adversarial[].ids": plain.map(({ text }) => tokenizer.encode(text)),
    "glue[].input_ids": ids,
    "glue[].token_type_ids": ids.map((row) => segments(row, tokenizer)),
  };
  for (const [key, value] of Object.entries(got)) {
    const [role, field] = key.split("[].") as [string, string];
    report.value(key, value, rowsOf(fixture, role, z.looseObject({ [field]: z.unknown() })).map((row) => row[field]));
  }
};

/** 0 up to the first separator, 1 behind it. */
function segments(ids: number[], { special: { sep } }: Tokenizer): number[] {
  const end = ids.indexOf(sep);
  return ids.map((_, i) => i <= end ? 0 : 1);
}

async function findModel(
  fixture: Fixture,
  { spm }: ParityContext,
): Promise<{ path: string; bytes: Uint8Array } | undefined> {
  for (const path of spm === undefined ? placesOf(fixture) : [spm]) {
    try {
      return { path, bytes: await readFile(path) };
    } catch {
      if (spm !== undefined) throw new InputError(`Cannot read "${spm}": expected DeBERTaV3's spm.model (--spm FILE)`);
    }
  }
}

/** The lines of one of the fixture's JSON-lines files. */
function rowsOf<T extends z.ZodType>({ folder, texts }: Fixture, role: string, row: T): z.infer<T>[] {
  const text = texts[role];
  if (text === undefined) throw new InputError(`Cannot check "${folder}": it has no text file for "${role}"`);
  return text.trimEnd().split("\n").map((line, i) => {
    try {
      return row.parse(JSON.parse(line));
    } catch {
      throw new InputError(
        `Cannot check "${folder}": line ${i + 1} of its file for "${role}" is not what it should be`,
      );
    }
  });
}
