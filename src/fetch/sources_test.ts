import assert from "node:assert/strict";
import { InputError, UsageError } from "../errors.ts";
import { officialFiles } from "../glue/task_files.ts";
import { TASK_NAMES } from "../glue/tasks.ts";
import { findSource, parseSources, pathOf, readSources } from "./sources.ts";

Deno.test("readSources() has every official GLUE file, pinned by size and sha256", () => {
  const sources = readSources();
  for (const name of TASK_NAMES.flatMap(officialFiles)) {
    const { bytes, sha256, url } = findSource(sources, name);
    assert(bytes !== null && sha256 !== null && url.endsWith(`/${name}`));
  }
  assert.throws(() => findSource(sources, "x.zip"), UsageError);
});

Deno.test("readSources() pins every model file to a revision", () => {
  const models = readSources().filter(({ name }) => name.startsWith("deberta-v3-"));
  assert(models.length >= 6);
  for (const { url } of models) assert.match(url, /\/microsoft\/deberta-v3-\w+\/resolve\/[0-9a-f]{40}\//);
});

Deno.test("pathOf() is the path of the address, which is how a mirror is laid out", () => {
  assert.equal(pathOf(findSource(readSources(), "CoLA.zip")), "glue/data/CoLA.zip");
});

const good = { name: "x", url: "https://example.org/x", bytes: 1, sha256: "0".repeat(64) };
for (
  const [what, value, message] of [
    ["what is not JSON", "{", /it is not JSON/],
    ["another shape", [], /the whole: /],
    ["an unknown key", { sources: [{ ...good, sha1: "" }] }, /sources.0: .*"sha1"/],
    ["a digest of another length", { sources: [{ ...good, sha256: "0".repeat(63) }] }, /sources.0.sha256: /],
    ["an address that is not https", { sources: [{ ...good, url: "http://example.org/x" }] }, /sources.0.url: /],
    ["a size of nothing", { sources: [{ ...good, bytes: 0 }] }, /sources.0.bytes: /],
    ["a name listed twice", { sources: [good, good] }, /"x" is listed twice/],
  ] as const
) {
  Deno.test(`parseSources() refuses ${what}`, () => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    assert.throws(() => parseSources("list.json", text), (error) => {
      assert(error instanceof InputError);
      assert.match(error.message, /^Cannot read "list.json": /);
      assert.match(error.message, message);
      return true;
    });
  });
}

const mirror = new URL("../../../shared/mirror/", import.meta.url);
const present = await Deno.stat(mirror).then(() => true, () => false);
if (!present) console.log("There is no ../shared/mirror: the pinned sizes are not compared with real files");

Deno.test({
  name: "the mirror's files have the pinned sizes",
  ignore: !present,
  async fn() {
    let found = 0;
    for (const source of readSources()) {
      const info = await Deno.stat(new URL(pathOf(source), mirror)).catch(() => null);
      if (info === null) continue;
      found++;
      assert.equal(info.size, source.bytes, source.name);
    }
    assert(found >= 8, `${found}`);
  },
});
