import assert from "node:assert/strict";
import fc from "fast-check";
import { InputError } from "../errors.ts";
import { readTask } from "./read.ts";
import { officialFiles } from "./task_files.ts";
import { type TaskName, TASKS } from "./tasks.ts";
import { zip } from "./testing.ts";
import { parseTsv } from "./tsv.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const rte = (train: string, dev = "0\tx\ty\tentailment\n") => ({
  "RTE/train.tsv": bytes("index\tsentence1\tsentence2\tlabel\n" + train),
  "RTE/dev.tsv": bytes("index\tsentence1\tsentence2\tlabel\n" + dev),
});
const good = "0\ta b\tc d\tentailment\n1\te\tf\tnot_entailment\n";

function rejects(name: TaskName, files: Record<string, Uint8Array>, message: RegExp): Promise<void> {
  return assert.rejects(readTask(name, files), (error) => {
    assert(error instanceof InputError);
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("readTask() reads plain files and the archive of the same files alike", async () => {
  const plain = await readTask("rte", rte(good));
  assert.deepEqual(plain.train, [{ a: "a b", b: "c d", label: 0 }, { a: "e", b: "f", label: 1 }]);
  assert.deepEqual(plain.dev, { dev: [{ a: "x", b: "y", label: 0 }] });
  assert.deepEqual(await readTask("rte", { "RTE.zip": await zip(rte(good)) }), plain);
});

Deno.test("readTask() takes quotation marks as they are, and drops a byte order mark and carriage returns", async () => {
  const files = {
    "SST-2/train.tsv": bytes('\ufeffsentence\tlabel\r\n" half a quote \t1\r\n'),
    "SST-2/dev.tsv": bytes('sentence\tlabel\n"a\u2028b" \t0'),
  };
  const { train, dev } = await readTask("sst2", files);
  assert.deepEqual(train, [{ a: '" half a quote ', label: 1 }]);
  assert.deepEqual(dev.dev, [{ a: '"a\u2028b" ', label: 0 }]);
});

Deno.test("readTask() finds columns by name, and CoLA's without a header", async () => {
  const swapped = bytes("label\tquestion\tindex\tsentence\nnot_entailment\twho ?\t0\tthe dog\n");
  const qnli = await readTask("qnli", { "QNLI/train.tsv": swapped, "QNLI/dev.tsv": swapped });
  assert.deepEqual(qnli.train, [{ a: "who ?", b: "the dog", label: 1 }]);
  const row = bytes("gj04\t0\t*\tthey dog\n");
  const cola = await readTask("cola", { "CoLA/train.tsv": row, "CoLA/dev.tsv": row });
  assert.deepEqual(cola.train, [{ a: "they dog", label: 0 }]);
});

Deno.test("readTask() gives MNLI two development sets and STS-B its score", async () => {
  const mnli = (label: string) => bytes(`sentence2\tsentence1\tlabel1\tgold_label\nh\tp\tneutral\t${label}\n`);
  const data = await readTask("mnli", {
    "MNLI/train.tsv": mnli("neutral"),
    "MNLI/dev_matched.tsv": mnli("entailment"),
    "MNLI/dev_mismatched.tsv": mnli("contradiction"),
  });
  assert.deepEqual(data.dev, {
    matched: [{ a: "p", b: "h", label: 0 }],
    mismatched: [{ a: "p", b: "h", label: 2 }],
  });
  const score = bytes("sentence1\tsentence2\tscore\na\tb\t3.250\nc\td\t0\n");
  const stsb = await readTask("stsb", { "STS-B/train.tsv": score, "STS-B/dev.tsv": score });
  assert.deepEqual(stsb.train.map(({ label }) => label), [3.25, 0]);
});

const msr = (devIds: string) => ({
  "msr_paraphrase_train.txt": bytes(
    "\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t11\t12\ta\tb\n0\t13\t14\tc\td\n1\t15\t16\te\tf\n",
  ),
  "msr_paraphrase_test.txt": bytes("\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t1\t2\tx\ty\n"),
  "mrpc_dev_ids.tsv": bytes(devIds),
});

Deno.test("readTask() splits MRPC by the official ids of the development pairs", async () => {
  const { train, dev } = await readTask("mrpc", msr("13\t14\n"));
  assert.deepEqual(train, [{ a: "a", b: "b", label: 1 }, { a: "e", b: "f", label: 1 }]);
  assert.deepEqual(dev, { dev: [{ a: "c", b: "d", label: 0 }] });
  await rejects("mrpc", msr("13\t14\n14\t13\n"), /"mrpc_dev_ids.tsv", line 2: .* has no pair "14 13"/);
  await rejects("mrpc", msr(""), /the split is empty/);
});

Deno.test("readTask() skips torn rows of QQP and keeps empty questions, and refuses both elsewhere", async () => {
  const header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n";
  const qqp = bytes(header + "1\t2\t3\twhat\nis it ?\t4\t5\n6\t7\t8\twho ?\t\t1\n");
  const { train } = await readTask("qqp", { "QQP/train.tsv": qqp, "QQP/dev.tsv": qqp });
  assert.deepEqual(train, [{ a: "who ?", b: "", label: 1 }]);
  await rejects("rte", rte("0\ta\tb\n"), /"RTE\/train.tsv", line 2: the row has 3 columns, expected 4/);
  await rejects("rte", rte("0\ta\t\tentailment\n"), /"RTE\/train.tsv", line 2: column 3 is empty/);
});

for (
  const [what, train, message] of [
    ["a row with too many columns", good + "2\ta\tb\tc\tentailment\n", /train.tsv", line 4: the row has 5 columns/],
    [
      "an unknown label",
      good + "2\ta\tb\tyes\n",
      /line 4: label "yes" is unknown, expected one of entailment, not_ent/,
    ],
    ["an inherited name as a label", "2\ta\tb\ttoString\n", /line 2: label "toString" is unknown/],
    ["an empty line", good + "\n" + good, /line 4: the row has 1 columns, expected 4/],
    ["an empty split", "", /"RTE\/train.tsv": the split is empty/],
  ] as const
) {
  Deno.test(`readTask() names the file and line of ${what}`, () => rejects("rte", rte(train), message));
}

Deno.test("readTask() refuses a score that is not a number from 0 to 5", async () => {
  for (const bad of ["5.1", "-1", "", "1e0", "NaN", "0x1", " 2"]) {
    const tsv = bytes(`sentence1\tsentence2\tscore\na\tb\t${bad}\n`);
    await rejects("stsb", { "STS-B/train.tsv": tsv, "STS-B/dev.tsv": tsv }, /line 2: score ".*" is not a number from/);
  }
});

Deno.test("readTask() says which file or column is missing, and which is not text", async () => {
  await rejects("rte", {}, /task "rte": file "RTE.zip" is missing; run "deno task fetch"/);
  await rejects("rte", { "RTE/train.tsv": rte(good)["RTE/train.tsv"] }, /file "RTE\/dev.tsv" is missing/);
  await rejects("mrpc", {}, /file "msr_paraphrase_test.txt" is missing/);
  await rejects("rte", { ...rte(good), "RTE/dev.tsv": bytes("a\tb\n") }, /dev.tsv", line 1: .* no column "sentence1"/);
  await rejects("rte", { ...rte(good), "RTE/dev.tsv": new Uint8Array() }, /dev.tsv": it is empty/);
  await rejects("rte", { ...rte(good), "RTE/dev.tsv": new Uint8Array([0x61, 0xff]) }, /dev.tsv": it is not UTF-8/);
  await rejects("rte", { "RTE.zip": await zip({ "RTE/train.tsv": bytes("") }) }, /no file "RTE\/dev.tsv"/);
});

Deno.test("readTask() never reads a damaged archive as something else", async () => {
  const files = rte(good.repeat(20)), whole = await zip(files), truth = await readTask("rte", files);
  await rejects("rte", { "RTE.zip": bytes("not a zip") }, /Cannot unzip "RTE.zip": the archive is damaged/);
  await rejects("rte", { "RTE.zip": whole.slice(0, whole.length - 40) }, /Cannot unzip "RTE.zip/);
  let refused = 0;
  for (let i = 0; i < whole.length; i++) {
    const broken = whole.slice();
    broken[i] = (broken[i] as number) ^ 0x10;
    const result = await readTask("rte", { "RTE.zip": broken }).catch((error) => error);
    if (result instanceof InputError) refused++;
    else assert.deepEqual(result, truth, `byte ${i}`);
  }
  assert(refused > whole.length / 3);
});

Deno.test("parseTsv() gives back the cells that were joined, with their line numbers", () => {
  const cell = fc.string({ unit: "grapheme" }).map((text) => text.replace(/[\t\n\r\ufeff]/g, " "));
  fc.assert(fc.property(fc.array(fc.array(cell, { minLength: 1 }), { minLength: 1 }), (table) => {
    const rows = parseTsv("x.tsv", bytes(table.map((cells) => cells.join("\t") + "\n").join("")));
    assert.deepEqual(rows.map(({ cells }) => cells), table);
    assert.deepEqual(rows.map(({ line }) => line), table.map((_, i) => i + 1));
  }));
});

const mirror = new URL("../../../shared/mirror/", import.meta.url);
const present = await Deno.stat(mirror).then(() => true, () => false);
if (!present) console.log("The official GLUE files are not in ../shared/mirror: their counts are not tested");

for (const name of ["cola", "mrpc", "stsb", "rte"] as const) {
  Deno.test({
    name: `readTask() counts as many examples in the official ${name} files as published`,
    ignore: !present,
    async fn() {
      const folder = name === "mrpc" ? "senteval/senteval_data/" : "glue/data/";
      const files: Record<string, Uint8Array> = {};
      for (const file of officialFiles(name)) {
        files[file] = await Deno.readFile(new URL((file.endsWith("ids.tsv") ? "glue/data/" : folder) + file, mirror));
      }
      const { train, dev } = await readTask(name, files), { official } = TASKS[name];
      assert.equal(train.length, official.train);
      assert.equal(dev.dev?.length, official.dev.dev);
    },
  });
}
