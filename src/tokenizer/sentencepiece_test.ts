import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { InputError } from "../errors.ts";
import { encodePair } from "./tokenizer.ts";
import { sentencePieceTokenizer } from "./sentencepiece.ts";
import { smallModel } from "./small_model.ts";

const shared = fileURLToPath(new URL("../../../shared/", import.meta.url));
const model = shared + "mirror/microsoft/deberta-v3-base/resolve/8ccc9b6f36199bec6961081d44eb72fb3f7353f3/spm.model";
const missing = !existsSync(model) || !existsSync(shared + "golden/tokenizer");
if (missing) console.log("Skipped: DeBERTaV3's own tokenizer needs ../shared/mirror and ../shared/golden");

const small = await sentencePieceTokenizer(smallModel({ "▁": -3, a: -3, b: -3, ab: -4, "▁a": -5, "▁ab": -9 }), "small");

Deno.test("sentencePieceTokenizer() takes the pieces of the highest total score", () => {
  assert.deepEqual(small.pieces("ab"), ["▁", "ab"]);
  assert.deepEqual(small.pieces("aab"), ["▁a", "ab"]);
  assert.deepEqual(small.encode("  aab   ab "), [264, 263, 260, 263]);
});

Deno.test("sentencePieceTokenizer() spells what no piece covers in bytes", () => {
  assert.deepEqual(small.pieces("é"), ["▁", "<0xC3>", "<0xA9>"]);
  assert.deepEqual(small.encode("é"), [260, 4 + 0xc3, 4 + 0xa9]);
  assert.deepEqual(small.encode(""), []);
});

Deno.test("sentencePieceTokenizer() puts the mask behind the model's pieces", () => {
  assert.equal(small.size, 267);
  assert.deepEqual(small.special, { pad: 0, cls: 1, sep: 2, unk: 3, mask: 266 });
});

Deno.test("sentencePieceTokenizer() gives one known id per piece for any text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const ids = small.encode(text);
    assert.equal(ids.length, small.pieces(text).length);
    assert.ok(ids.every((id) => id >= 4 && id < 266));
  }));
});

const good = smallModel({ a: -1 });
const refused: [string, Uint8Array, RegExp][] = [
  ["an empty file", new Uint8Array(0), /Cannot read "m" as a SentencePiece model/],
  [
    "a web page",
    new TextEncoder().encode("<!doctype html><title>404</title>"),
    /Cannot read "m" as a SentencePiece model/,
  ],
  ["a model cut short", good.subarray(0, good.length >> 1), /Cannot read "m" as a SentencePiece model/],
  ["a model with other special tokens", smallModel({ a: -1 }, { special: ["<unk>"] }), /begins with "<unk> <0x00>/],
  ["a model of another type", smallModel({ a: -1 }, { modelType: 2 }), /model type is "2", expected 1/],
];
for (const [what, bytes, message] of refused) {
  Deno.test(`sentencePieceTokenizer() refuses ${what}`, async () => {
    await assert.rejects(sentencePieceTokenizer(bytes, "m"), (error: unknown) => {
      assert.ok(error instanceof InputError, String(error));
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test({
  name: "sentencePieceTokenizer() cuts text as DeBERTaV3 does",
  ignore: missing,
  async fn() {
    const real = await sentencePieceTokenizer(readFileSync(model), "spm.model");
    const rows = (file: string) =>
      readFileSync(shared + "golden/tokenizer/" + file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.equal(real.special.mask, 128000);
    for (const { text, pieces, ids } of rows("adversarial.jsonl")) {
      assert.deepEqual(real.pieces(text), pieces);
      assert.deepEqual(real.encode(text), ids);
    }
    for (const { a, b, input_ids } of rows("glue.jsonl")) {
      assert.deepEqual(encodePair(real, a, b ?? undefined, 512), input_ids);
    }
  },
});
