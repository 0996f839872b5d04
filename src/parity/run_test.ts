import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InputError } from "../errors.ts";
import { writeSafetensors } from "../deberta/safetensors.ts";
import { float32 } from "../tensor/host_tensor.ts";
import { smallModel } from "../tokenizer/small_model.ts";
import type { Checker } from "./checker.ts";
import type { CHECKERS } from "./registry.ts";
import type { ParityRow } from "./report.ts";
import { passes, runParity } from "./run.ts";

const testdata = fileURLToPath(new URL("../../testdata/", import.meta.url));
const shared = fileURLToPath(new URL("../../../shared/", import.meta.url));
const missing = !existsSync(shared + "golden/tokenizer") || !existsSync(shared + "mirror/microsoft");
if (missing) console.log("Skipped: parity with DeBERTaV3's tokenizer needs ../shared/golden and ../shared/mirror");

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

async function rowsOf(folder: string, spm?: string, checkers?: typeof CHECKERS): Promise<ParityRow[]> {
  const context = { engine: "cpu", ...(spm === undefined ? {} : { spm }) };
  return await Array.fromAsync(runParity([folder], context, checkers));
}

/** Writes a fixture folder, lets a test use it, and removes it. */
async function withFixture(
  files: Record<string, Uint8Array | string>,
  json: Record<string, unknown>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const entries = Object.entries(files)
      .map(([name, file]) => [name, typeof file === "string" ? new TextEncoder().encode(file) : file] as const);
    for (const [name, bytes] of entries) await Deno.writeFile(join(folder, name), bytes);
    const whole = {
      kind: "test",
      config: {},
      tolerance: { abs: 0.1, rel: 0 },
      files: Object.fromEntries(entries.map(([name]) => [name.split(".")[0], name])),
      sha256: Object.fromEntries(entries.map(([name, bytes]) => [name, sha256(bytes)])),
      ...json,
    };
    await Deno.writeTextFile(join(folder, "fixture.json"), JSON.stringify(whole));
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const tensors = { "expected.a": float32([2], [1, 2]), "grad.a": float32([2], [3, 4]), "expected.b": float32([1], [5]) };
const files = { "expected.safetensors": writeSafetensors(tensors) };
const expected_keys = ["expected.a", "grad.a", "expected.b", "scalars.steps"];
const scalars = { steps: [{ loss: 1, name: "x" }, { loss: 2, name: null }] };
const using = (check: Checker): typeof CHECKERS => ({ test: () => Promise.resolve({ check }) });

for (const kind of ["relpos-buckets", "glue-metrics"]) {
  Deno.test(`runParity() agrees with ${kind}`, async () => {
    const rows = await rowsOf(testdata + kind);
    assert.ok(rows.length >= 9);
    for (const row of rows) assert.equal(row.verdict, "ok", `${row.key} ${row.note}`);
  });
}

Deno.test({
  name: "runParity() agrees with SentencePiece under DeBERTaV3's model",
  ignore: missing,
  async fn() {
    const rows = await rowsOf(shared + "golden/tokenizer/");
    assert.deepEqual(rows.map(({ verdict, note }) => verdict + note), ["ok", "ok", "ok", "ok"]);
  },
});

Deno.test("runParity() gives one row per expected key, in order, with its deviation", async () => {
  const check: Checker = (_, report) => {
    report.value("scalars.steps", [{ loss: 1.05, name: "x" }, { loss: 2.5, name: null }]);
    report.tensor("expected.b", float32([1, 1], [5]));
    report.tensor("grad.a", float32([2], [3, 4.5]), { where: [1, 0] });
    report.tensor("expected.a", float32([2], [1.0625, 3]));
  };
  await withFixture(files, { expected_keys, scalars }, async (folder) => {
    const rows = await rowsOf(folder + "/", undefined, using(check));
    const row = (key: string, maxAbs: number, maxRel: number, verdict: string, note: string) => {
      return { fixture: folder, kind: "test", key, maxAbs, maxRel, verdict, note };
    };
    assert.deepEqual(rows, [
      row("expected.a", 1, 0.5, "out of tolerance", "element 1 is 3, expected 2"),
      row("grad.a", 0, 0, "ok", ""),
      row("expected.b", Infinity, Infinity, "out of tolerance", "has shape [1,1], expected [1]"),
      row("scalars.steps", 0.5, 0.25, "out of tolerance", "scalars.steps[1].loss is 2.5, expected 2"),
    ]);
    assert.deepEqual(rows.map(passes), [false, true, false, false]);
  });
});

Deno.test("runParity() fails a key that no one checked", async () => {
  await withFixture(files, { expected_keys, scalars }, async (folder) => {
    const rows = await rowsOf(folder, undefined, using((_, report) => report.value("scalars.steps", scalars.steps)));
    assert.deepEqual(rows.map(({ verdict }) => verdict), ["not checked", "not checked", "not checked", "ok"]);
    assert.deepEqual(rows.map(passes), [false, false, false, true]);
  });
});

Deno.test("runParity() tells values of another form, and takes no key that is not expected", async () => {
  const wrong = [[], [scalars.steps[0]], { 0: 1, 1: 2 }, 7, null, [{ loss: 1, name: "y" }, scalars.steps[1]]];
  await withFixture(files, { expected_keys, scalars }, async (folder) => {
    for (const value of wrong) {
      const rows = await rowsOf(folder, undefined, using((_, report) => report.value("scalars.steps", value)));
      assert.equal(rows[3]?.verdict, "out of tolerance", JSON.stringify(value));
    }
    const stray: Checker = (_, report) => report.value("scalars.other", 1, 1);
    await assert.rejects(rowsOf(folder, undefined, using(stray)), RangeError);
  });
});

Deno.test("runParity() fails kinds that nobody knows", async () => {
  for (const kind of ["toString", "unheard-of"]) {
    await withFixture(files, { kind, expected_keys }, async (folder) => {
      const [row, ...rest] = await rowsOf(folder);
      assert.deepEqual([row?.key, rest.length], ["*", 0]);
      assert.equal(row?.verdict, "unsupported");
    });
  }
});

const model = smallModel({ "▁": -3, a: -3, ab: -4, "▁a": -5 });
const tokenizer = {
  kind: "tokenizer",
  config: {
    spm_model: { sha256: sha256(model) },
    special_ids: { "[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, "[MASK]": 264 },
  },
  expected_keys: ["adversarial[].pieces", "adversarial[].ids", "glue[].input_ids", "glue[].token_type_ids"],
};
const texts = {
  "adversarial.jsonl": `{"text":"aab","pieces":["▁a","ab"],"ids":[263,262]}\n{"text":"","pieces":[],"ids":[]}\n`,
  "glue.jsonl": `{"a":"a","b":null,"input_ids":[1,263,2],"token_type_ids":[0,0,0]}\n` +
    `{"a":"a","b":"a","input_ids":[1,263,2,263,9],"token_type_ids":[0,0,0,1,1]}\n`,
};

Deno.test("runParity() compares texts line by line under the model it is given", async () => {
  await withFixture({ ...texts, "spm.model": model }, tokenizer, async (folder) => {
    const rows = await rowsOf(folder, join(folder, "spm.model"));
    assert.deepEqual(rows.map(({ verdict }) => verdict), ["ok", "ok", "out of tolerance", "ok"]);
    assert.equal(rows[2]?.note, "glue[].input_ids[1][4] is 2, expected 9");
  });
});

Deno.test("runParity() fails texts that there is no model for, and says how to get it", async () => {
  const downloads = new URL("../../data/downloads/microsoft", import.meta.url);
  await withFixture(
    texts,
    { ...tokenizer, config: { ...tokenizer.config, spm_model: { sha256: "0".repeat(64) } } },
    async (folder) => {
      if (existsSync(downloads)) return await rejects(rowsOf(folder), /Cannot compare with/);
      const [row, ...rest] = await rowsOf(folder);
      assert.deepEqual([row?.verdict, row?.key, rest.length, passes(row!)], ["skipped", "*", 0, false]);
      assert.match(row!.note, /deno task fetch --profile glue-mini, or name it with --spm FILE/);
    },
  );
});

const refused: [string, Record<string, unknown>, RegExp][] = [
  ["without keys", { expected_keys: [] }, /fixture.json" as a fixture at "expected_keys"/],
  ["without a kind", { kind: 3, expected_keys }, /as a fixture at "kind"/],
  ["with a negative tolerance", { tolerance: { abs: -1, rel: 0 }, expected_keys }, /as a fixture at "tolerance.abs"/],
  [
    "with a changed file",
    { sha256: { "expected.safetensors": "00" }, expected_keys },
    /its sha256 is ".*expected "00"/,
  ],
  ["with a missing file", { files: { weights: "w.safetensors" }, expected_keys }, /Cannot read ".*w.safetensors"/],
  [
    "of another model",
    { kind: "deberta-forward", config: { num_labels: 2, cls_dropout: 0, model_type: "bert" }, expected_keys },
    /This config.json is not a DeBERTaV3: model_type/,
  ],
  [
    "with a case of no known form",
    {
      kind: "bayesian-bits",
      files: { tensors: "expected.safetensors" },
      cases: [{ id: "q", op: "quantize" }],
      expected_keys,
    },
    /Cannot check ".*": case "q" is none of its kind/,
  ],
  ["of another tokenizer", { ...tokenizer, config: {} }, /its config is not one of its kind, at "spm_model"/],
];
for (const [what, json, message] of refused) {
  Deno.test(`runParity() refuses a fixture ${what}`, async () => {
    await withFixture(files, json, (folder) => rejects(rowsOf(folder), message));
  });
}

Deno.test("runParity() refuses folders without a fixture and models that are not the fixture's", async () => {
  await rejects(
    rowsOf(testdata + "nowhere"),
    /Cannot read ".*nowhere.fixture.json": expected ".*" to be a fixture folder/,
  );
  await withFixture({ "fixture.json": "" }, {}, async (folder) => {
    await Deno.writeTextFile(join(folder, "fixture.json"), "{");
    await rejects(rowsOf(folder), /as a fixture/);
  });
  await withFixture(texts, tokenizer, async (folder) => {
    await rejects(rowsOf(folder, join(folder, "no.model")), /Cannot read ".*no.model": expected DeBERTaV3's spm.model/);
    await rejects(rowsOf(folder, join(folder, "glue.jsonl")), /Cannot compare with ".*glue.jsonl": its sha256 is/);
  });
});

async function rejects(promise: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, message);
    assert.match(error.message, /^[^\n]*[^.\n]$/);
    return true;
  });
}
