/** The pinned inputs: what is downloaded, from where, and how to tell that it is right. */
import { z } from "zod";
import { InputError, unknownName } from "../errors.ts";

const Source = z.strictObject({
  /** What a person calls it: `CoLA.zip`, `deberta-v3-base/spm.model`. */
  name: z.string().min(1),
  url: z.url({ protocol: /^https$/ }),
  /** Size in bytes; null where it is not known. */
  bytes: z.int().positive().nullable(),
  /** Lower-case hexadecimal; null where it is not known. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/).nullable(),
});
const Sources = z.strictObject({ sources: z.array(Source) });

export type Source = Readonly<z.infer<typeof Source>>;

/** The committed list, data/sources.json. */
export const SOURCES = new URL("../../data/sources.json", import.meta.url);

/**
 * Reads a list of sources.
 * @throws InputError naming the file and the first field that is wrong
 */
export function parseSources(file: string, text: string): Source[] {
  const refuse = (why: string) => new InputError(`Cannot read "${file}": ${why}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw refuse(`it is not JSON (${cause instanceof Error ? cause.message : cause})`);
  }
  const parsed = Sources.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw refuse(`${issue?.path.join(".") || "the whole"}: ${issue?.message}`);
  }
  const names = parsed.data.sources.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw refuse(`"${twice}" is listed twice`);
  return parsed.data.sources;
}

/** Reads the committed list. */
export function readSources(file: URL = SOURCES): Source[] {
  return parseSources("data/sources.json", Deno.readTextFileSync(file));
}

/** The source of a name. @throws UsageError if there is none */
export function findSource(sources: readonly Source[], name: string): Source {
  const source = sources.find((source) => source.name === name);
  if (source === undefined) throw unknownName("source", name, sources.map(({ name }) => name));
  return source;
}

/** Where a source lies under a mirror, and under the folder of downloads: the path of its address. */
export function pathOf({ url }: Source): string {
  return decodeURIComponent(new URL(url).pathname).slice(1);
}
