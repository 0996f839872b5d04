import assert from "node:assert/strict";
import { keyOf, preimageOf } from "./fingerprint.ts";
import { Records } from "./records.ts";
import { ENVIRONMENT, misbehaving } from "./toy/pipeline.ts";
import { TemporaryFolder } from "./toy/rig.ts";

const preimage = preimageOf(misbehaving("behave"), {}, ENVIRONMENT), key = keyOf(preimage);

Deno.test("records.save() keeps the records of one scope apart from another's", async () => {
  await using folder = new TemporaryFolder();
  const records = await Records.open(folder.path, "mini");
  records.set("a/b", { key, preimage });
  await records.save();
  assert.deepEqual((await Records.open(folder.path, "mini")).get("a/b"), { key, preimage });
  assert.equal((await Records.open(folder.path, "paper")).get("a/b"), undefined);
});

for (const text of ["", "{", "null", "7", '{"format":2}']) {
  Deno.test(`Records.open() starts anew from ${JSON.stringify(text)}`, async () => {
    await using folder = new TemporaryFolder();
    const { path } = await Records.open(folder.path, "mini");
    await Deno.mkdir(`${folder.path}/records`);
    await Deno.writeTextFile(path, text);
    const records = await Records.open(folder.path, "mini");
    assert.equal(records.steps.size, 0);
    records.set("a", { key, preimage });
    await records.save();
    assert.deepEqual([...(await Records.open(folder.path, "mini")).steps.keys()], ["a"]);
  });
}
